// JSON whose texts are templates: see custom.h.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "alerting/delivery.h"
#include "alerting/message_text.h"
#include "alerting/template.h"
#include "base/json.h"
#include "base/result.h"

namespace sidewatch {

inline constexpr std::size_t max_json_template_bytes = 64 * 1024;

class JsonTemplate {
 public:
  JsonTemplate() = default;  // renders as ""

  // Error::what is a sentence that names the text which is no template.
  static Result<JsonTemplate> parse(std::string_view json);

  std::string render(const Notification& notification, const MessageText& message, const std::string& host) const;
  bool empty() const { return root_.empty(); }

 private:
  struct Node {
    JsonValue::Kind kind = JsonValue::Kind::null;
    bool is_value = false;  // of a text: the number that $value is
    bool boolean = false;
    bool whole = false;  // of a number
    std::int64_t integer = 0;
    double number = 0;
    Template text;
    std::vector<std::string> names;  // of an object
    std::vector<Node> items;
  };
  static Result<Node> build(const JsonValue& value);
  static void write(JsonWriter& json, const Node& node, const TemplateData& data);

  std::vector<Node> root_;  // one, or none
};

}  // namespace sidewatch
