// UTF-8 and quoting by hand: what is not UTF-8 is kept byte by byte, never dropped. See characters.h.
#include "metrics/promql/characters.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"

namespace sidewatch::promql {
namespace {

constexpr std::size_t quoted_start_limit = 10;

// The letter after the backslash for a control character, or 0.
char control_letter(char32_t c) {
  switch (c) {
    case '\a': return 'a';
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    case '\v': return 'v';
    default: return 0;
  }
}

char32_t control_of_letter(char letter) {
  switch (letter) {
    case 'a': return '\a';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'v': return '\v';
    default: return static_cast<unsigned char>(letter);
  }
}

void append_hexadecimal(std::string& out, std::uint32_t value, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += "0123456789abcdef"[(value >> shift) & 15U];
}

void append_quoted_character(std::string& out, char32_t c, char32_t quote) {
  if (c == quote || c == '\\') {
    out += '\\';
    out += static_cast<char>(c);
  } else if (const char letter = control_letter(c); letter != 0) {
    out += '\\';
    out += letter;
  } else if (c < 0x20 || c == 0x7F) {
    out += "\\x";
    append_hexadecimal(out, c, 2);
  } else if (c >= 0x80 && c < 0xA0) {
    out += "\\u";
    append_hexadecimal(out, c, 4);
  } else {
    append_utf8(out, c);
  }
}

// Reads the escape after a backslash; `position` moves past it. Octal and \x are bytes, \u and \U characters.
void append_escape(std::string& out, std::string_view token, std::size_t& position) {
  const char kind = token[position++];
  const EscapeShape shape = escape_shape(static_cast<unsigned char>(kind));
  if (shape.digits == 0) {
    append_utf8(out, control_of_letter(kind));
    return;
  }
  if (shape.base == 8) --position;
  std::uint32_t value = 0;
  for (int i = 0; i < shape.digits; ++i) {
    value = value * shape.base + digit_value(static_cast<unsigned char>(token[position++]));
  }
  if (kind == 'u' || kind == 'U') append_utf8(out, value);
  else out += static_cast<char>(value);
}

}  // namespace

DecodedCharacter decode(std::string_view text, std::size_t position) {
  if (position >= text.size()) return {};
  const Utf8Character character = first_character(text.substr(position));
  return {character.code, character.well_formed ? character.bytes : 1};
}

std::uint32_t digit_value(char32_t c) {
  if (is_digit(c)) return c - U'0';
  if (c >= 'a' && c <= 'f') return c - U'a' + 10;
  if (c >= 'A' && c <= 'F') return c - U'A' + 10;
  return 16;
}

std::string to_lower(std::string_view ascii) {
  std::string lower(ascii);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

bool is_label_name(std::string_view text) {
  if (text.empty() || is_digit(static_cast<unsigned char>(text.front()))) return false;
  return std::ranges::all_of(text, [](char c) {
    const auto code = static_cast<unsigned char>(c);
    return is_letter(code) || is_digit(code);
  });
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size();) {
    const DecodedCharacter c = decode(text, i);
    if (c.code == replacement_character && c.bytes == 1) {
      out += "\\x";
      append_hexadecimal(out, static_cast<unsigned char>(text[i]), 2);
    } else if (c.code == replacement_character) {
      out += "\\ufffd";  // the lexer takes the character itself for a broken byte
    } else {
      append_quoted_character(out, c.code, '"');
    }
    i += c.bytes;
  }
  return out + '"';
}

std::string quoted_start(std::string_view text) {
  if (text.size() <= quoted_start_limit) return quoted(text);
  std::size_t cut = 0;
  for (std::size_t i = 0; i < quoted_start_limit; ++i) cut += decode(text, cut).bytes;
  return quoted(text.substr(0, cut)) + "...";
}

std::string quoted_character(char32_t c) {
  std::string out = "'";
  append_quoted_character(out, c > 0x10FFFF ? replacement_character : c, '\'');
  return out + "'";
}

std::string code_point_name(char32_t c) {
  std::string digits;
  append_hexadecimal(digits, c, c > 0xFFFFF ? 6 : c > 0xFFFF ? 5 : 4);
  std::ranges::transform(digits, digits.begin(), [](char d) {
    return d >= 'a' ? static_cast<char>(d - 'a' + 'A') : d;
  });
  std::string out = "U+" + digits;
  if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return out;
  out += " '";
  append_utf8(out, c);
  return out + "'";
}

EscapeShape escape_shape(char32_t kind) {
  if (kind >= '0' && kind <= '7') return {3, 8, 255};
  if (kind == 'x') return {2, 16, 255};
  if (kind == 'u') return {4, 16, 0x10FFFF};
  if (kind == 'U') return {8, 16, 0x10FFFF};
  return {};
}

std::string unquoted(std::string_view token) {
  const bool raw = token.front() == '`';
  const std::string_view inside = token.substr(1, token.size() - 2);
  if (raw) return std::string(inside);
  std::string out;
  out.reserve(inside.size());
  for (std::size_t i = 0; i < inside.size();) {
    if (inside[i] == '\\') append_escape(out, inside, ++i);
    else out += inside[i++];
  }
  return out;
}

std::string line_and_column(std::string_view text, std::size_t position) {
  std::size_t line = 1;
  std::size_t column = 1;
  for (std::size_t i = 0; i < position && i < text.size(); ) {
    const DecodedCharacter c = decode(text, i);
    if (c.code == '\n') {
      ++line;
      column = 1;
    } else {
      ++column;
    }
    i += c.bytes;
  }
  return std::to_string(line) + ':' + std::to_string(column);
}

}  // namespace sidewatch::promql
