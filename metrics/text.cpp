// How names, label values and numbers are written. See text.h.
#include "metrics/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace sidewatch {
namespace {

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

}  // namespace sidewatch
