#include "alerting/receivers/json_template.h"

#include <utility>

#include "alerting/message_variables.h"

namespace sidewatch {
namespace {

bool is_the_value(std::string_view text) {
  std::string bare;
  for (const char c : text) {
    if (c != ' ') bare += c;
  }
  return bare == "{{$value}}";
}

}  // namespace

Result<JsonTemplate> JsonTemplate::parse(std::string_view json) {
  const auto value = JsonValue::parse(json, {max_json_template_bytes, 32});
  if (!value) return value.error();
  auto root = build(*value);
  if (!root) return root.error();
  JsonTemplate made;
  made.root_.push_back(std::move(*root));
  return made;
}

Result<JsonTemplate::Node> JsonTemplate::build(const JsonValue& value) {
  Node node;
  node.kind = value.kind();
  node.boolean = value.boolean_or(false);
  node.number = value.number_or(0);
  node.integer = value.integer_or(0);
  node.whole = static_cast<double>(node.integer) == node.number && value.integer_or(1) == node.integer;
  node.names = value.names();
  if (node.kind == JsonValue::Kind::text) {
    const std::string text(value.text_or(""));
    auto whole = Template::parse(message_variables_preamble() + text, TemplateChecks::all);
    if (!whole) return Error{"\"" + cut_text(text, 60) + "\": " + whole.error().what, ""};
    node.text = std::move(*whole);
    node.is_value = is_the_value(text);
  }
  for (const JsonValue& item : value.items()) {
    auto inner = build(item);
    if (!inner) return inner.error();
    node.items.push_back(std::move(*inner));
  }
  return node;
}

std::string JsonTemplate::render(const Notification& n, const MessageText& message, const std::string& host) const {
  if (root_.empty()) return "";
  TemplateScope scope;
  scope.external_labels = carried(n, {message.title, message.text, message.link, host});
  scope.external_url = message.link;
  const TemplateData data{n.value, n.labels, n.level, &scope, NumberStyle::plain};
  JsonWriter json;
  write(json, root_.front(), data);
  return json.take();
}

void JsonTemplate::write(JsonWriter& json, const Node& node, const TemplateData& data) {
  switch (node.kind) {
    case JsonValue::Kind::null: json.null(); return;
    case JsonValue::Kind::boolean: json.boolean(node.boolean); return;
    case JsonValue::Kind::number:
      if (node.whole) {
        json.integer(node.integer);
      } else {
        json.number(node.number);
      }
      return;
    case JsonValue::Kind::text:
      if (node.is_value) {
        json.number(data.value);
      } else {
        json.text(node.text.render(data));
      }
      return;
    case JsonValue::Kind::array:
      json.begin_array();
      for (const Node& item : node.items) write(json, item, data);
      json.end_array();
      return;
    case JsonValue::Kind::object:
      json.begin_object();
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        json.key(node.names[i]);
        write(json, node.items[i], data);
      }
      json.end_object();
      return;
  }
}

}  // namespace sidewatch
