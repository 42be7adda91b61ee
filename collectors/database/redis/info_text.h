// The text that INFO answers, taken apart: sections of lines "key:value", where a value may be a list "a=1,b=2".
#pragma once

#include <optional>
#include <string_view>

namespace sidewatch::database::redis {

struct InfoLine {
  std::string_view section;  // "Replication"; empty before the first
  std::string_view key;
  std::string_view value;
};

class InfoLines {
 public:
  explicit InfoLines(std::string_view text) : rest_(text) {}
  bool next(InfoLine& line);

 private:
  std::string_view rest_;
  std::string_view section_;
};

// Takes "key=value" off the front of a list. False at its end. A value has no comma, but may have '='.
bool next_pair(std::string_view& rest, std::string_view& key, std::string_view& value);

// The value of `key` in such a list; empty when it is not there.
std::string_view value_in(std::string_view list, std::string_view key);

// A number as the server writes it; ok, true and yes are 1, err, fail, false and no are 0. Nothing for any other text.
std::optional<double> number_of(std::string_view text);

}  // namespace sidewatch::database::redis
