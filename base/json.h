// JSON, written and read: a writer that makes one growing text, and a small tree of what was parsed.
//
// The writer cannot produce text that is not JSON: bytes that are not UTF-8 become U+FFFD and numbers that JSON does
// not know (NaN, infinities) become null. The reader takes nothing larger or deeper than its limits and refuses what
// is not one whole JSON text. Neither looks at the locale. The parser is nlohmann-json's, whose types stay in json.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace sidewatch {

// Values are written in the order of the calls:
//
//     JsonWriter json;
//     json.begin_object().key("name").text("checkout").key("sizes").begin_array().integer(1).end_array().end_object();
class JsonWriter {
 public:
  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);

  JsonWriter& text(std::string_view value);
  JsonWriter& integer(std::int64_t value);
  JsonWriter& number(double value);  // the shortest text that reads back as the same value
  JsonWriter& boolean(bool value);
  JsonWriter& null();

  std::string take() { return std::move(out_); }

 private:
  void before_value();
  void close(char bracket);

  std::string out_;
  bool first_ = true;  // in the innermost object or array
  bool after_key_ = false;
};

// `text` as a JSON string, quotes included.
std::string json_quoted(std::string_view text);

struct JsonLimits {
  std::size_t max_bytes = std::size_t{1} << 20;
  std::size_t max_depth = 64;
};

class JsonValue {
 public:
  enum class Kind { null, boolean, number, text, array, object };

  // Error::what is a sentence such as "not JSON at byte 12".
  static Result<JsonValue> parse(std::string_view text, const JsonLimits& limits = {});

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::null; }

  // What the value holds, or the given value when it holds something else.
  std::string_view text_or(std::string_view otherwise) const;
  double number_or(double otherwise) const;
  std::int64_t integer_or(std::int64_t otherwise) const;  // also when the number is not whole or does not fit
  bool boolean_or(bool otherwise) const;

  // The member of an object, or null (a value of kind null) when there is none. Of two with one name the last.
  const JsonValue& operator[](std::string_view name) const;
  bool has(std::string_view name) const;

  const std::vector<JsonValue>& items() const { return items_; }  // of an array; of an object its members' values
  const std::vector<std::string>& names() const { return names_; }  // of an object, beside items()

 private:
  friend class JsonBuilder;

  Kind kind_ = Kind::null;
  bool boolean_ = false;
  bool whole_ = false;
  std::int64_t integer_ = 0;
  double number_ = 0;
  std::string text_;
  std::vector<std::string> names_;
  std::vector<JsonValue> items_;
};

}  // namespace sidewatch
