// Characters, and how they are quoted in the language and in its error messages (as Go's %q and %#U, which Prometheus
// uses).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sidewatch::promql {

inline constexpr char32_t end_of_text = 0xFFFFFFFF;
inline constexpr char32_t replacement_character = 0xFFFD;

struct DecodedCharacter {
  char32_t code = end_of_text;
  std::size_t bytes = 0;
};

// The UTF-8 character at `position`; a byte that begins none is the replacement character, one byte long.
DecodedCharacter decode(std::string_view text, std::size_t position);

inline bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }
inline bool is_letter(char32_t c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
std::uint32_t digit_value(char32_t c);  // of a hexadecimal digit; 16 for anything else
std::string to_lower(std::string_view ascii);

// Whether `text` can name a label: [a-zA-Z_][a-zA-Z0-9_]*
bool is_label_name(std::string_view text);

std::string quoted(std::string_view text);        // "a\nb"
std::string quoted_start(std::string_view text);  // the same, but of more than 10 bytes only 10 characters and "..."
std::string quoted_character(char32_t c);         // 'x'
std::string code_point_name(char32_t c);          // U+0078 'x'

// The number that follows a backslash: \101 \x41 \u0041 \U00000041. No digits: `kind` begins no such escape.
struct EscapeShape {
  int digits = 0;
  std::uint32_t base = 0;
  std::uint32_t max = 0;
};
EscapeShape escape_shape(char32_t kind);

// The contents of a string token that the lexer accepted (with its quotes), escapes resolved.
std::string unquoted(std::string_view token);

// "line:column" of a byte position, both from 1, the column in characters.
std::string line_and_column(std::string_view text, std::size_t position);

}  // namespace sidewatch::promql
