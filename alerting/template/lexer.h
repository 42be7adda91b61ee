// A template's text in tokens, after the rules of Go's text/template: literal text, and what stands in {{ }}.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alerting/template/value.h"

namespace sidewatch {

struct TemplateToken {
  enum class Kind {
    text,         // outside of actions, trimmed
    open,         // {{
    close,        // }}
    identifier,   // a word: function or keyword
    variable,     // $name, or $ alone; `text` without the dollar sign
    field,        // .name; `text` without the dot
    dot,          // .
    literal,      // number, string or character
    pipe,
    left_parenthesis,
    right_parenthesis,
    declare,      // :=
    assign,       // =
    comma,
    end,          // of the template
  };
  Kind kind = Kind::end;
  std::string text;
  TemplateValue literal;
  std::size_t offset = 0;
  bool spaced = false;  // white space stands before it
};

struct TemplateMistake {
  std::size_t offset = 0;
  std::string what;
};

// Ends with a token of kind `end`. Absent after a mistake, which is then set.
std::optional<std::vector<TemplateToken>> read_tokens(std::string_view text, TemplateMistake& mistake);

}  // namespace sidewatch
