// How names, label values and numbers are written. See text.h.
#include "metrics/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace sidewatch {
namespace {

constexpr std::string_view replacement_character = "\xEF\xBF\xBD";
constexpr double whole_numbers_below = 1e15;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_legal_name(std::string_view name, bool colons) {
  if (name.empty() || is_digit(name.front())) return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_letter(c) || is_digit(c) || (colons && c == ':'); });
}

std::string mend_name(std::string_view name, bool colons) {
  std::string mended;
  if (name.empty() || is_digit(name.front())) mended += '_';
  for (const char c : name) mended += is_letter(c) || is_digit(c) || (colons && c == ':') ? c : '_';
  return mended;
}

// The length of the character at the start of `text` (not empty), and whether it is well formed. An ill-formed one has
// the length of its maximal part: what is to be replaced by one U+FFFD.
struct Character {
  std::size_t bytes;
  bool well_formed;
};

Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {1, true};
  if (lead < 0xC2 || lead > 0xF4) return {1, false};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // The second byte's range excludes overlong forms, surrogates and what lies above U+10FFFF.
  const std::uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const std::uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  for (std::size_t i = 1; i < length; ++i) {
    if (i >= text.size()) return {i, false};
    const bool continues = i == 1 ? byte(i) >= low && byte(i) <= high : (byte(i) & 0xC0) == 0x80;
    if (!continues) return {i, false};
  }
  return {length, true};
}

}  // namespace

void append_value(std::string& buffer, double value) {
  if (std::isnan(value)) {
    buffer += "NaN";
    return;
  }
  if (std::isinf(value)) {
    buffer += value > 0 ? "+Inf" : "-Inf";
    return;
  }
  char digits[32];
  std::to_chars_result end{};
  const bool minus_zero = value == 0 && std::signbit(value);
  if (std::abs(value) < whole_numbers_below && value == std::trunc(value) && !minus_zero) {
    end = std::to_chars(digits, digits + sizeof digits, static_cast<std::int64_t>(value));
  } else {
    end = std::to_chars(digits, digits + sizeof digits, value);
  }
  buffer.append(digits, end.ptr);
}

void append_escaped_label_value(std::string& buffer, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '\\': buffer += "\\\\"; break;
      case '"': buffer += "\\\""; break;
      case '\n': buffer += "\\n"; break;
      default: buffer += c;
    }
  }
}

bool is_legal_metric_name(std::string_view name) { return is_legal_name(name, true); }
bool is_legal_label_name(std::string_view name) { return is_legal_name(name, false); }
std::string mend_metric_name(std::string_view name) { return mend_name(name, true); }
std::string mend_label_name(std::string_view name) { return mend_name(name, false); }

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto [bytes, well_formed] = first_character(text);
    if (!well_formed) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

std::string mend_utf8(std::string_view text) {
  std::string mended;
  mended.reserve(text.size());
  while (!text.empty()) {
    const auto [bytes, well_formed] = first_character(text);
    mended += well_formed ? text.substr(0, bytes) : replacement_character;
    text.remove_prefix(bytes);
  }
  return mended;
}

std::string_view cut_at_character(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  std::size_t end = max_bytes;
  while (end > 0 && (static_cast<std::uint8_t>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace sidewatch
