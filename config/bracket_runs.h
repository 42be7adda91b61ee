// Opening brackets in a row, which a YAML parser cannot judge before it has seen their end.
//
// `[[[[...` may be the beginning of a key, so yaml-cpp keeps all of it (over 200 bytes for each bracket) before it tells
// of the first. A run that is longer than any nesting that we allow is therefore looked at in a shortened form first.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sidewatch::config {

// `text` with blanks in place of every opening bracket that follows on more than `most` others with nothing but blanks,
// line ends and comments between them; every other byte stays where it is. Nothing when there is no such run.
//
// Quotes are not looked at: a run that stands in a text is shortened as well, so what is left says only whether the
// brackets nest too deep, and never what the file holds.
std::optional<std::string> shortened_bracket_runs(std::string_view text, std::size_t most);

}  // namespace sidewatch::config
