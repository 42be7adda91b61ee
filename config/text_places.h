// The way from a character of a value's text back to where it stands in the file.
//
// The text of a scalar is not what the file holds: quotes have escapes, blocks lose their indentation, folded lines are
// joined. It is kept as stretches, each of which stands in the file character by character, so that an error inside an
// expression or a template points at what was typed.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.h"

namespace sidewatch::config {

// All of these are 1-based and count characters.
struct TextStretch {
  int line = 1;  // where it begins in the text
  int column = 1;
  int file_line = 1;  // where that stands in the file
  int file_column = 1;
};

// Null: the text stands in the file as it is, on one line. Empty: nothing is known of where its characters stand.
using TextPlaces = std::shared_ptr<const std::vector<TextStretch>>;

// Where `line`:`column` of `text` stands, when `mark` is the place of its first character. What lies behind the end (an
// expression that ends too early) is the end of its last line that says something.
Mark place_in_text(std::string_view text, const Mark& mark, const TextPlaces& places, int line, int column);

}  // namespace sidewatch::config
