#include "collectors/otlp/protobuf_attributes.h"

#include "base/crypto.h"
#include "base/json.h"
#include "metrics/text.h"

namespace sidewatch::otlp {
namespace {

void write_json(JsonWriter& json, std::string_view any_value, std::size_t depth);

std::pair<std::string_view, std::string_view> key_value_of(std::string_view message) {
  std::pair<std::string_view, std::string_view> found;
  ProtobufReader reader(message);
  while (reader.next()) {
    if (reader.tag() == bytes_tag(1)) found.first = reader.bytes();
    if (reader.tag() == bytes_tag(2)) found.second = reader.bytes();
  }
  require_end(reader, "attribute");
  return found;
}

void write_list(JsonWriter& json, std::string_view list, std::size_t depth) {
  json.begin_array();
  ProtobufReader reader(list);
  while (reader.next()) {
    if (reader.tag() == bytes_tag(1)) write_json(json, reader.bytes(), depth);
  }
  require_end(reader, "list of an attribute");
  json.end_array();
}

void write_map(JsonWriter& json, std::string_view map, std::size_t depth) {
  json.begin_object();
  ProtobufReader reader(map);
  while (reader.next()) {
    if (reader.tag() != bytes_tag(1)) continue;
    const auto [key, value] = key_value_of(reader.bytes());
    json.key(key);
    write_json(json, value, depth);
  }
  require_end(reader, "map of an attribute");
  json.end_object();
}

// What a value holds: the last of its fields, where there are several; tag 0 when it holds nothing.
ProtobufReader member_of(std::string_view any_value) {
  ProtobufReader reader(any_value);
  ProtobufReader last{""};
  while (reader.next()) {
    if (reader.tag() >> 3 >= 1 && reader.tag() >> 3 <= 7) last = reader;
  }
  require_end(reader, "value of an attribute");
  return last;
}

void write_json(JsonWriter& json, std::string_view any_value, std::size_t depth) {
  if (depth == max_depth) fail_protobuf("the value of an attribute has more than 16 lists or maps within each other");
  const auto member = member_of(any_value);
  switch (member.tag()) {
    case bytes_tag(1): json.text(member.bytes()); break;
    case varint_tag(2): json.boolean(member.number() != 0); break;
    case varint_tag(3): json.integer(member.signed_number()); break;
    case fixed_tag(4): json.number(member.real()); break;
    case bytes_tag(5): write_list(json, member.bytes(), depth + 1); break;
    case bytes_tag(6): write_map(json, member.bytes(), depth + 1); break;
    case bytes_tag(7): json.text(to_base64(member.bytes())); break;
    default: json.null();
  }
}

std::string text_of(std::string_view any_value) {
  const auto member = member_of(any_value);
  switch (member.tag()) {
    case bytes_tag(1): return std::string(member.bytes());
    case varint_tag(2): return member.number() != 0 ? "true" : "false";
    case varint_tag(3): return std::to_string(member.signed_number());
    case fixed_tag(4): {
      std::string text;
      append_value(text, member.real());
      return text;
    }
    case bytes_tag(5):
    case bytes_tag(6): {
      JsonWriter json;
      write_json(json, any_value, 0);
      return json.take();
    }
    case bytes_tag(7): return to_base64(member.bytes());
    default: return "";
  }
}

}  // namespace

void ProtobufAttributes::begin(std::string_view message, std::uint32_t number) {
  message_ = message;
  tag_ = bytes_tag(number);
  run_ = {};
  count_ = 0;
  together_ = true;
}

void ProtobufAttributes::note(const ProtobufReader& field) {
  if (++count_ > max_attributes) fail_protobuf("more than 256 attributes in one place");
  const std::string_view whole = field.whole();
  if (run_.empty()) {
    run_ = whole;
  } else if (run_.data() + run_.size() == whole.data()) {
    run_ = {run_.data(), run_.size() + whole.size()};
  } else {
    together_ = false;
  }
}

Result<std::vector<Label>> ProtobufAttributes::read() const {
  try {
    std::vector<Label> labels;
    ProtobufReader reader(message_);
    while (reader.next()) {
      if (reader.tag() != tag_) continue;
      const auto [key, value] = key_value_of(reader.bytes());
      labels.push_back({std::string(key), text_of(value)});
    }
    return labels;
  } catch (DamagedProtobuf& damaged) {
    return Error{std::move(damaged.what), ""};
  }
}

std::optional<std::string_view> ProtobufAttributes::raw() const {
  if (!together_) return std::nullopt;
  return run_;
}

}  // namespace sidewatch::otlp
