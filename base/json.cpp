// The seam of nlohmann-json: only its event parser is used, which neither recurses nor builds its own tree.
#include "base/json.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/utf8.h"

namespace sidewatch {
namespace {

const JsonValue null_value;

// What `c` is written as; nothing when it stands for itself.
std::string_view short_escape(char c) {
  switch (c) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    case '\b': return "\\b";
    case '\f': return "\\f";
    default: return {};
  }
}

void append_quoted(std::string& out, std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    const auto [code, length, well_formed] = first_character(text.substr(i));
    const char c = text[i];
    if (!well_formed) {
      append_utf8(out, code);
    } else if (const auto escape = short_escape(c); !escape.empty()) {
      out += escape;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += "\\u00";
      out += digits[static_cast<unsigned char>(c) >> 4];
      out += digits[static_cast<unsigned char>(c) & 15];
    } else {
      out += text.substr(i, length);
    }
    i += length;
  }
  out += '"';
}

template <class Number>
void append_number(std::string& out, Number value) {
  char digits[40];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

}  // namespace

void JsonWriter::before_value() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (!first_) out_ += ',';
  first_ = false;
}

void JsonWriter::close(char bracket) {
  out_ += bracket;
  first_ = false;
}

JsonWriter& JsonWriter::begin_object() {
  before_value();
  out_ += '{';
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  close('}');
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  before_value();
  out_ += '[';
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::end_array() {
  close(']');
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  before_value();
  append_quoted(out_, name);
  out_ += ':';
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view value) {
  before_value();
  append_quoted(out_, value);
  return *this;
}

JsonWriter& JsonWriter::integer(std::int64_t value) {
  before_value();
  append_number(out_, value);
  return *this;
}

JsonWriter& JsonWriter::number(double value) {
  if (!std::isfinite(value)) return null();
  before_value();
  append_number(out_, value);
  return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
  before_value();
  out_ += value ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::null() {
  before_value();
  out_ += "null";
  return *this;
}

std::string json_quoted(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

// Receives the parser's events. A false return ends the parsing.
class JsonBuilder : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit JsonBuilder(std::size_t max_depth) : max_depth_(max_depth) {}

  bool null() override { return place() != nullptr; }
  bool boolean(bool value) override {
    JsonValue& at = *place();
    at.kind_ = JsonValue::Kind::boolean;
    at.boolean_ = value;
    return true;
  }
  bool number_integer(std::int64_t value) override {
    whole(value);
    return true;
  }
  bool number_unsigned(std::uint64_t value) override {
    if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      whole(static_cast<std::int64_t>(value));
      return true;
    }
    JsonValue& at = *place();
    at.kind_ = JsonValue::Kind::number;
    at.number_ = static_cast<double>(value);
    return true;
  }
  bool number_float(double value, const std::string&) override {
    JsonValue& at = *place();
    at.kind_ = JsonValue::Kind::number;
    at.number_ = value;
    return true;
  }
  bool string(std::string& value) override {
    JsonValue& at = *place();
    at.kind_ = JsonValue::Kind::text;
    at.text_ = std::move(value);
    return true;
  }
  bool binary(nlohmann::json::binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(JsonValue::Kind::object); }
  bool start_array(std::size_t) override { return open(JsonValue::Kind::array); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(std::string& value) override {
    open_.back()->names_.push_back(std::move(value));
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    problem = "not JSON at byte " + std::to_string(position);
    return false;
  }

  JsonValue root;
  std::string problem;

 private:
  // Where the next value goes. Elements move when their array grows, but only the innermost one grows, and it has no
  // open children then: the pointers in open_ stay valid.
  JsonValue* place() {
    if (open_.empty()) return &root;
    return &open_.back()->items_.emplace_back();
  }

  void whole(std::int64_t value) {
    JsonValue& at = *place();
    at.kind_ = JsonValue::Kind::number;
    at.whole_ = true;
    at.integer_ = value;
    at.number_ = static_cast<double>(value);
  }

  bool open(JsonValue::Kind kind) {
    if (open_.size() >= max_depth_) {
      problem = "nested deeper than " + std::to_string(max_depth_) + " levels";
      return false;
    }
    JsonValue* at = place();
    at->kind_ = kind;
    open_.push_back(at);
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  const std::size_t max_depth_;
  std::vector<JsonValue*> open_;
};

Result<JsonValue> JsonValue::parse(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return Error{"longer than " + std::to_string(limits.max_bytes) + " bytes", ""};
  }
  JsonBuilder builder(limits.max_depth);
  if (!nlohmann::json::sax_parse(text, &builder)) {
    return Error{builder.problem.empty() ? "not JSON" : builder.problem, ""};
  }
  return std::move(builder.root);
}

std::string_view JsonValue::text_or(std::string_view otherwise) const {
  return kind_ == Kind::text ? std::string_view(text_) : otherwise;
}

double JsonValue::number_or(double otherwise) const { return kind_ == Kind::number ? number_ : otherwise; }

std::int64_t JsonValue::integer_or(std::int64_t otherwise) const { return whole_ ? integer_ : otherwise; }

bool JsonValue::boolean_or(bool otherwise) const { return kind_ == Kind::boolean ? boolean_ : otherwise; }

const JsonValue& JsonValue::operator[](std::string_view name) const {
  for (std::size_t i = names_.size(); i-- > 0;) {
    if (names_[i] == name) return items_[i];
  }
  return null_value;
}

bool JsonValue::has(std::string_view name) const { return &(*this)[name] != &null_value; }

}  // namespace sidewatch
