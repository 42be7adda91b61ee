#include "base/utf8.h"

#include <algorithm>
#include <cstdint>

namespace sidewatch {
namespace {

constexpr char32_t replacement_code = 0xFFFD;
constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

}  // namespace

Utf8Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  if (lead < 0xC2 || lead > 0xF4) return {replacement_code, 1, false};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // The second byte's range excludes overlong forms, surrogates and what lies above U+10FFFF.
  const std::uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const std::uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  char32_t code = lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if (i >= text.size()) return {replacement_code, i, false};
    const bool continues = i == 1 ? byte(i) >= low && byte(i) <= high : continues_character(text[i]);
    if (!continues) return {replacement_code, i, false};
    code = code << 6U | (byte(i) & 0x3FU);
  }
  return {code, length, true};
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto character = first_character(text);
    if (!character.well_formed) return false;
    text.remove_prefix(character.bytes);
  }
  return true;
}

std::string mend_utf8(std::string_view text) {
  std::string mended;
  mended.reserve(text.size());
  while (!text.empty()) {
    const auto character = first_character(text);
    mended += character.well_formed ? text.substr(0, character.bytes) : replacement_character;
    text.remove_prefix(character.bytes);
  }
  return mended;
}

void append_utf8(std::string& out, char32_t code) {
  const auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  const unsigned more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  put((more == 1 ? 0xC0U : more == 2 ? 0xE0U : 0xF0U) | code >> (6 * more));
  for (unsigned left = more; left-- > 0;) put(0x80U | (code >> (6 * left) & 0x3FU));
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !continues_character(c); }));
}

std::string_view cut_at_character(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  std::size_t end = max_bytes;
  while (end > 0 && continues_character(text[end])) --end;
  return text.substr(0, end);
}

}  // namespace sidewatch
