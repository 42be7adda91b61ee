// JSON Schema (draft 2020-12) of a Shape, written by hand: it is small and of one form.
//
// An editor sees the YAML before expansion, so wherever a text could be ${...} a text with `${` in it is allowed.
#include <string>

#include "config/reference.h"
#include "config/shape.h"

namespace sidewatch::config {
namespace {

using Type = Field::Type;

constexpr std::string_view expansion_schema = R"({"type":"string","pattern":"\\$\\{"})";
constexpr std::string_view text_schema = R"({"type":["string","number","boolean"]})";

std::string json_text(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (code < 0x20) {
      out += "\\u00";
      out += digits[code >> 4];
      out += digits[code & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string any_of(std::string_view a, std::string_view b) {
  return "\"anyOf\":[" + std::string(a) + "," + std::string(b) + "]";
}

std::string bounded(std::string_view type, const Field& field) {
  std::string schema = "{\"type\":\"" + std::string(type) + "\"";
  if (!field.low.empty()) schema += ",\"minimum\":" + field.low + ",\"maximum\":" + field.high;
  return schema + "}";
}

std::string texts_matching(std::string_view pattern) {
  return R"("type":["string","integer"],"pattern":)" + json_text("^(" + std::string(pattern) + ")$|\\$\\{");
}

std::string object_of(const Shape& shape);

// The members that say what values a field takes, without the braces.
std::string constraints(const Field& field) {
  switch (field.type) {
    case Type::text:
    case Type::secret:
    case Type::pattern: return R"("type":["string","number","boolean"])";
    case Type::boolean: return any_of(R"({"type":"boolean"})", expansion_schema);
    case Type::duration:
      return texts_matching("0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?");
    case Type::integer: return any_of(bounded("integer", field), expansion_schema);
    case Type::number:
      return any_of(bounded("number", field), R"({"type":"string","pattern":"^[0-9.]+(%|[KMGT]?i?B)$|\\$\\{"})");
    case Type::size: return texts_matching("0|[0-9]+([KMGT]i?)?B");
    case Type::choice: {
      std::string words;
      for (const auto& word : field.words) words += (words.empty() ? "" : ",") + json_text(word);
      return any_of("{\"enum\":[" + words + "]}", expansion_schema);
    }
    case Type::texts: return any_of("{\"type\":\"array\",\"items\":" + std::string(text_schema) + "}", text_schema);
    case Type::text_map:
    case Type::secret_map: return "\"type\":\"object\",\"additionalProperties\":" + std::string(text_schema);
    case Type::section: return object_of(*field.nested);
    case Type::list: return "\"type\":\"array\",\"items\":{" + object_of(*field.nested) + "}";
    case Type::text_or_section: return any_of(text_schema, "{" + object_of(*field.nested) + "}");
  }
  return "";
}

bool is_json_as_it_is(Type type) {
  return type == Type::boolean || type == Type::integer || type == Type::number;
}
bool has_one_value(Type type) { return type != Type::texts && type != Type::text_map && type != Type::secret_map; }

std::string object_of(const Shape& shape) {
  std::string properties, required;
  for (const auto& field : shape.fields) {
    if (!properties.empty()) properties += ",";
    properties += json_text(field.key) + ":{\"description\":" + json_text(field.help) + "," + constraints(field);
    if (!field.fallback.empty() && has_one_value(field.type)) {
      properties += ",\"default\":" + (is_json_as_it_is(field.type) ? field.fallback : json_text(field.fallback));
    }
    properties += "}";
    if (field.required) required += (required.empty() ? "" : ",") + json_text(field.key);
  }
  return "\"type\":\"object\",\"additionalProperties\":false,\"properties\":{" + properties + "}" +
         (required.empty() ? "" : ",\"required\":[" + required + "]");
}

}  // namespace

std::string Reference::json_schema(std::string_view title) const {
  return R"({"$schema":"https://json-schema.org/draft/2020-12/schema","title":)" + json_text(title) + "," +
         object_of(*shape_) + "}\n";
}

}  // namespace sidewatch::config
