// Numbers, texts and characters as Go writes them in a template: 5, 0x1F, 1_000, 1.5e3, "a\n", `raw`, 'c'.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "alerting/template/value.h"

namespace sidewatch {

struct TemplateLiteral {
  TemplateValue value;
  std::size_t length = 0;
  std::string problem;             // empty: none
  std::size_t problem_offset = 0;
};

// The literal that `text` begins with: a digit, a sign or '.' before one, or a quote.
TemplateLiteral read_template_literal(std::string_view text);

}  // namespace sidewatch
