// Text from a machine as it may stand in a configuration: as a value, or in a comment.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sidewatch::discovery {

// A YAML scalar that the configuration reads back as exactly `text`, also where it holds quotes, colons, ${...}, or
// looks like a number. `text` must be printable (see is_printable).
std::string yaml_value(std::string_view text);

// For a comment: one line of printable characters, cut at `most` characters; what cannot be shown becomes '?'.
std::string comment_text(std::string_view text, std::size_t most = 100);

// Whole UTF-8 without control characters and without those that YAML takes for a line's end.
bool is_printable(std::string_view text);

// A regular expression that matches exactly `text`.
std::string regex_literal(std::string_view text);

}  // namespace sidewatch::discovery
