// JSON Schema (draft 2020-12) of a Shape.
//
// An editor sees the YAML before expansion, so wherever the reader wants more than any text, a text with `${` in it is
// allowed too.
#include <iterator>
#include <string>

#include "base/json.h"
#include "config/literals.h"
#include "config/reference.h"
#include "config/shape.h"

namespace sidewatch::config {
namespace {

using Type = Field::Type;

constexpr std::string_view expanded_text = "\\$\\{";
constexpr std::string_view size_text = "^[0-9]+([KMGT]i?)?B$|\\$\\{";
constexpr std::string_view percentage_or_size_text = "^[0-9]+(\\.[0-9]+)?%$|^[0-9]+([KMGT]i?)?B$|\\$\\{";

// Units from large to small, each at most once, at least one: an alternative for each unit that can come first.
std::string duration_text() {
  static constexpr std::string_view units[] = {"y", "w", "d", "h", "m", "s", "ms"};
  std::string pattern;
  for (std::size_t first = 0; first < std::size(units); ++first) {
    pattern += (first == 0 ? "^[0-9]+" : "|^[0-9]+") + std::string(units[first]);
    for (std::size_t next = first + 1; next < std::size(units); ++next) {
      pattern += "([0-9]+" + std::string(units[next]) + ")?";
    }
    pattern += "$";
  }
  return pattern + "|" + std::string(expanded_text);
}

void object_members(JsonWriter& json, const Shape& shape);

// A schema of its own; `members` writes what stands inside of its braces.
template <class Members>
void schema(JsonWriter& json, const Members& members) {
  json.begin_object();
  members();
  json.end_object();
}

// The members of a schema that takes every scalar: a text is read as it is written, 1.10 or true included.
void scalar_members(JsonWriter& json) {
  json.key("type").begin_array().text("string").text("number").text("boolean").end_array();
}
void scalar_schema(JsonWriter& json) {
  schema(json, [&] { scalar_members(json); });
}
void pattern_schema(JsonWriter& json, std::string_view pattern) {
  schema(json, [&] { json.key("type").text("string").key("pattern").text(pattern); });
}

template <class First, class Second>
void any_of(JsonWriter& json, const First& first, const Second& second) {
  json.key("anyOf").begin_array();
  first();
  second();
  json.end_array();
}

// A number as the shape keeps it, which is as it would be written in YAML.
void number(JsonWriter& json, const std::string& written) {
  if (const auto whole = parse_integer(written)) {
    json.integer(*whole);
  } else if (const auto decimal = parse_number(written)) {
    json.number(*decimal);
  } else {
    json.null();
  }
}

void number_schema(JsonWriter& json, const Field& field, std::string_view type) {
  schema(json, [&] {
    json.key("type").text(type);
    if (field.low.empty()) return;
    number(json.key("minimum"), field.low);
    number(json.key("maximum"), field.high);
  });
}

void zero_or_text(JsonWriter& json, std::string_view pattern) {
  any_of(
      json, [&] { schema(json, [&] { json.key("const").integer(0); }); }, [&] { pattern_schema(json, pattern); });
}

// The members that say which values a field takes.
void value_members(JsonWriter& json, const Field& field) {
  const auto expanded = [&] { pattern_schema(json, expanded_text); };
  const auto scalar = [&] { scalar_schema(json); };
  switch (field.type) {
    case Type::text:
    case Type::secret:
    case Type::pattern: return scalar_members(json);
    case Type::boolean: return any_of(json, [&] { schema(json, [&] { json.key("type").text("boolean"); }); }, expanded);
    case Type::duration: return zero_or_text(json, duration_text());
    case Type::size: return zero_or_text(json, size_text);
    case Type::integer: return any_of(json, [&] { number_schema(json, field, "integer"); }, expanded);
    case Type::number:
      return any_of(
          json, [&] { number_schema(json, field, "number"); }, [&] { pattern_schema(json, percentage_or_size_text); });
    case Type::choice: {
      const auto words = [&] {
        json.key("enum").begin_array();
        for (const auto& word : field.words) json.text(word);
        json.end_array();
      };
      return any_of(json, [&] { schema(json, words); }, expanded);
    }
    case Type::texts: {
      const auto list = [&] {
        json.key("type").text("array").key("items");
        scalar_schema(json);
      };
      return any_of(json, [&] { schema(json, list); }, scalar);
    }
    case Type::text_map:
    case Type::secret_map:
      json.key("type").text("object").key("additionalProperties");
      return scalar_schema(json);
    case Type::section: return object_members(json, *field.nested);
    case Type::list:
      json.key("type").text("array").key("items");
      return schema(json, [&] { object_members(json, *field.nested); });
    case Type::text_or_section:
      return any_of(json, scalar, [&] { schema(json, [&] { object_members(json, *field.nested); }); });
  }
}

void default_member(JsonWriter& json, const Field& field) {
  if (field.fallback.empty()) return;
  if (field.type == Type::texts || field.type == Type::text_map || field.type == Type::secret_map) return;
  json.key("default");
  if (field.type == Type::boolean) {
    json.boolean(field.fallback == "true");
  } else if (field.type == Type::integer || field.type == Type::number) {
    number(json, field.fallback);
  } else {
    json.text(field.fallback);
  }
}

void object_members(JsonWriter& json, const Shape& shape) {
  json.key("type").text("object").key("additionalProperties").boolean(false);
  json.key("properties").begin_object();
  for (const auto& field : shape.fields) {
    json.key(field.key).begin_object().key("description").text(field.help);
    value_members(json, field);
    default_member(json, field);
    json.end_object();
  }
  json.end_object();
  json.key("required").begin_array();
  for (const auto& field : shape.fields) {
    if (field.required) json.text(field.key);
  }
  json.end_array();
}

}  // namespace

std::string Reference::json_schema(std::string_view title) const {
  JsonWriter json;
  json.begin_object();
  json.key("$schema").text("https://json-schema.org/draft/2020-12/schema").key("title").text(title);
  object_members(json, *shape_);
  json.end_object();
  return json.take() + "\n";
}

}  // namespace sidewatch::config
