// UTF-8, well formed as in Unicode 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sidewatch {

struct Utf8Character {
  char32_t code = 0;  // U+FFFD when ill formed
  std::size_t bytes = 0;
  bool well_formed = false;
};
// The character at the start of `text`, which is not empty. An ill-formed one has the length of its maximal part: what is
// to be replaced by one U+FFFD.
Utf8Character first_character(std::string_view text);

bool is_utf8(std::string_view text);

// `text` with each maximal ill-formed part replaced by U+FFFD, as Unicode 15 section 3.9 recommends.
std::string mend_utf8(std::string_view text);

// `code` is not a surrogate and not above U+10FFFF.
void append_utf8(std::string& out, char32_t code);

// For text that is known to be UTF-8.
inline bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }
std::size_t count_characters(std::string_view text);

// The longest beginning of `text` that has at most `max_bytes` and does not end inside a character.
std::string_view cut_at_character(std::string_view text, std::size_t max_bytes);

}  // namespace sidewatch
