// See literals.h.

#include "alerting/template/literals.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "base/utf8.h"

namespace sidewatch {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

TemplateLiteral refuse(std::string what, std::size_t offset = 0) { return {{}, 0, std::move(what), offset}; }

std::optional<std::uint32_t> read_code(std::string_view digits, int base) {
  std::uint32_t code = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, base);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return code;
}

// One escape behind its backslash: how many characters it has, 0 when it is none.
std::size_t read_escape(std::string_view text, char quote, std::string& out) {
  static constexpr std::string_view names = "abfnrtv\\";
  static constexpr std::string_view meanings = "\a\b\f\n\r\t\v\\";
  if (text.empty()) return 0;
  const char c = text[0];
  if (c == quote) return out += quote, 1;
  if (const auto known = names.find(c); known != std::string_view::npos) return out += meanings[known], 1;
  const std::size_t length = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : is_digit(c) ? 3 : 0;
  const std::size_t begin = is_digit(c) ? 0 : 1;
  if (length == 0 || text.size() < begin + length) return 0;
  const auto code = read_code(text.substr(begin, length), is_digit(c) ? 8 : 16);
  if (!code) return 0;
  const bool is_byte = c == 'x' || is_digit(c);
  if (is_byte ? *code > 0xFF : *code > 0x10FFFF || (*code >= 0xD800 && *code < 0xE000)) return 0;
  if (is_byte) out += static_cast<char>(*code);
  else append_utf8(out, *code);
  return begin + length;
}

TemplateLiteral read_quoted(std::string_view text, char quote) {
  std::string value;
  std::size_t at = 1;
  while (at < text.size() && text[at] != quote) {
    if (text[at] == '\n') return refuse("the text is never closed");
    if (text[at] != '\\') {
      value += text[at++];
      continue;
    }
    const std::size_t length = read_escape(text.substr(at + 1), quote, value);
    if (length == 0) return refuse("this is no escape; write \\\\ for a backslash, or use `...`", at);
    at += 1 + length;
  }
  if (at >= text.size()) return refuse("the text is never closed");
  return {{value}, at + 1, "", 0};
}

// A character, or one escape, is its number, as in Go.
TemplateLiteral read_character(std::string_view text) {
  auto closed = read_quoted(text, '\'');
  if (!closed.problem.empty()) return closed;
  const std::string_view inside = text.substr(1, closed.length - 2);
  std::string escaped;
  const bool is_escape = inside.starts_with('\\');
  const Utf8Character plain = inside.empty() ? Utf8Character{} : first_character(inside);
  const std::size_t length = is_escape ? 1 + read_escape(inside.substr(1), '\'', escaped) : plain.bytes;
  if (inside.empty() || length != inside.size()) {
    return refuse("one character stands between ' and '; a text stands in \"...\"");
  }
  const bool is_byte = escaped.size() == 1;
  const char32_t code = is_byte ? static_cast<unsigned char>(escaped[0]) : is_escape ? first_character(escaped).code : plain.code;
  closed.value.content = static_cast<std::int64_t>(code);
  return closed;
}

std::optional<TemplateValue> read_integer(std::string digits, bool negative) {
  int base = 10;
  if (digits.size() > 1 && digits[0] == '0') {
    const char kind = static_cast<char>(digits[1] | 0x20);
    base = kind == 'x' ? 16 : kind == 'b' ? 2 : 8;
    digits.erase(0, kind == 'x' || kind == 'b' || kind == 'o' ? 2 : 1);
  }
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return TemplateValue{negative ? -value : value};
}

std::optional<TemplateValue> read_float(const std::string& digits, bool negative) {
  double value = 0;
  const bool hex = digits.size() > 1 && digits[0] == '0' && (digits[1] | 0x20) == 'x';
  const char* begin = digits.data() + (hex ? 2 : 0);
  const auto [end, error] = std::from_chars(begin, digits.data() + digits.size(), value,
                                            hex ? std::chars_format::hex : std::chars_format::general);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return TemplateValue{negative ? -value : value};
}

TemplateLiteral read_number(std::string_view text) {
  std::size_t at = text[0] == '+' || text[0] == '-' ? 1 : 0;
  const bool hex = text.substr(at).starts_with("0x") || text.substr(at).starts_with("0X");
  std::string digits;
  while (at < text.size()) {
    const char c = text[at];
    const char before = digits.empty() ? '\0' : static_cast<char>(digits.back() | 0x20);
    const bool sign = (c == '+' || c == '-') && before == (hex ? 'p' : 'e');
    if (!is_digit(c) && !is_letter(c) && c != '_' && c != '.' && !sign) break;
    if (c != '_') digits += c;
    ++at;
  }
  const bool fraction = digits.find('.') != std::string::npos ||
                        digits.find_first_of(hex ? "pP" : "eE") != std::string::npos;
  const auto value = fraction ? read_float(digits, text[0] == '-') : read_integer(digits, text[0] == '-');
  if (!value) return refuse("this is not a number");
  return {*value, at, "", 0};
}

}  // namespace

TemplateLiteral read_template_literal(std::string_view text) {
  switch (text[0]) {
    case '"': return read_quoted(text, '"');
    case '\'': return read_character(text);
    case '`': {
      const std::size_t end = text.find('`', 1);
      if (end == std::string_view::npos) return refuse("the text is never closed");
      return {{std::string(text.substr(1, end - 1))}, end + 1, "", 0};
    }
    default: return read_number(text);
  }
}

}  // namespace sidewatch
