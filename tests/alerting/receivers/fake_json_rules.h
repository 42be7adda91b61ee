// What fakes of services have in common: how strict interfaces look at the JSON that they are sent.
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/utf8.h"

namespace sidewatch {

// What a service would refuse, and where.
struct Refused : std::runtime_error {
  explicit Refused(const std::string& why) : std::runtime_error(why) {}
};

inline void only_members(const JsonValue& object, std::string_view where,
                         std::initializer_list<std::string_view> known) {
  if (object.kind() != JsonValue::Kind::object) throw Refused(std::string(where) + " is not an object");
  for (const auto& name : object.names()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) throw Refused(std::string(where) + " has " + name);
  }
}

// The length of a text in UTF-16, as a service counts whose program is written for it.
inline std::size_t utf16_length(std::string_view text) {
  std::size_t units = 0;
  while (!text.empty()) {
    const auto character = first_character(text);
    units += character.code > 0xFFFF ? 2 : 1;
    text.remove_prefix(character.bytes);
  }
  return units;
}

// Whether a service that trims texts as Unicode knows blanks (White_Space) has nothing left of it.
inline bool is_trimmed_away(std::string_view text) {
  while (!text.empty()) {
    const auto character = first_character(text);
    const char32_t c = character.code;
    const bool blank = (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
                       (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
                       c == 0x3000;
    if (!blank) return false;
    text.remove_prefix(character.bytes);
  }
  return true;
}

// A text of `least` to `most`, that is not blank where it must not be empty.
inline std::string text_within(const JsonValue& value, std::string_view where, std::size_t least, std::size_t most) {
  if (value.kind() != JsonValue::Kind::text) throw Refused(std::string(where) + " is not a text");
  const std::string text(value.text_or(""));
  if ((least > 0 && is_trimmed_away(text)) || utf16_length(text) < least || utf16_length(text) > most) {
    throw Refused(std::string(where) + " has " + std::to_string(utf16_length(text)) + " characters, not " +
                  std::to_string(least) + " to " + std::to_string(most));
  }
  return text;
}

inline JsonValue json_of(const std::string& body) {
  auto value = JsonValue::parse(body);
  if (!value) throw Refused(value.error().what);
  return std::move(*value);
}

}  // namespace sidewatch
