#include "agent/init/yaml_text.h"

#include <algorithm>

#include "base/utf8.h"

namespace sidewatch::discovery {
namespace {

// Line ends of YAML and Unicode, marks that turn the direction of writing, and what is no character are not.
bool is_shown(char32_t code) {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false;
  if (code >= 0x2028 && code <= 0x202e) return false;
  if (code >= 0x2066 && code <= 0x2069) return false;
  return code != 0xfeff && (code & 0xfffe) != 0xfffe && !(code >= 0xfdd0 && code <= 0xfdef);
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A word that no YAML takes for anything but text.
bool is_plain(std::string_view text) {
  if (text.empty() || !(is_letter(text.front()) || text.front() == '/' || text.front() == '_')) return false;
  const bool word = std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.' || c == '/';
  });
  if (!word) return false;
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  for (const std::string_view other : {"true", "false", "yes", "no", "on", "off", "y", "n", "null"}) {
    if (lower == other) return false;
  }
  return true;
}

}  // namespace

std::string yaml_value(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  std::string quoted = "'";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool would_expand = text[i] == '$' && i + 1 < text.size() && (text[i + 1] == '{' || text[i + 1] == '$');
    if (text[i] == '\'' || would_expand) quoted += text[i];  // '' is a quote, and $$ a dollar sign
    quoted += text[i];
  }
  return quoted + "'";
}

std::string comment_text(std::string_view text, std::size_t most) {
  std::string shown;
  std::size_t count = 0;
  while (!text.empty()) {
    if (count++ == most) return shown + "...";
    const auto character = first_character(text);
    if (character.well_formed && is_shown(character.code)) {
      shown += text.substr(0, character.bytes);
    } else {
      shown += '?';
    }
    text.remove_prefix(character.bytes);
  }
  return shown;
}

bool is_printable(std::string_view text) {
  while (!text.empty()) {
    const auto character = first_character(text);
    if (!character.well_formed || !is_shown(character.code)) return false;
    text.remove_prefix(character.bytes);
  }
  return true;
}

std::string regex_literal(std::string_view text) {
  std::string pattern;
  for (const char c : text) {
    if (std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

}  // namespace sidewatch::discovery
