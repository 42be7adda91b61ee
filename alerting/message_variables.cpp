#include "alerting/message_variables.h"

#include <vector>

#include "alerting/alert.h"
#include "alerting/human_value.h"

namespace sidewatch {
namespace {

constexpr std::string_view carrier = "sidewatch_";
constexpr std::string_view names[] = {"title",   "text",        "status",    "reason",   "alert",
                                      "summary", "description", "valueText", "startsAt", "endsAt",
                                      "link",    "id",          "key",       "incident", "host"};

std::string write_preamble() {
  std::string text;
  for (const auto name : names) {
    text += "{{ $" + std::string(name) + " := $externalLabels." + std::string(carrier) + std::string(name) + " }}";
  }
  return text;
}

}  // namespace

const std::string& message_variables_preamble() {
  static const std::string preamble = write_preamble();
  return preamble;
}

std::string place_without_preamble(const std::string& place) {
  if (!place.starts_with("1:")) return place;
  return "1:" + std::to_string(std::stoul(place.substr(2)) - message_variables_preamble().size());
}

Labels carried(const Notification& n, const MessageVariables& variables) {
  std::vector<Label> all;
  const auto add = [&all](std::string_view name, std::string_view value) {
    all.push_back({std::string(carrier) + std::string(name), std::string(value)});
  };
  add("title", variables.title);
  add("text", variables.text);
  add("status", n.problem() ? "firing" : "resolved");
  add("reason", to_string(n.reason));
  add("alert", n.rule);
  add("summary", n.annotations.get("summary"));
  add("description", n.annotations.get("description"));
  add("valueText", human_value(n.value, n.unit));
  add("startsAt", to_rfc3339(n.starts_at));
  add("endsAt", n.ends_at && !n.problem() ? to_rfc3339(*n.ends_at) : std::string());
  add("link", variables.link);
  add("id", n.id);
  add("key", n.alert_key);
  add("incident", n.incident);
  add("host", variables.host);
  return Labels(all);
}

}  // namespace sidewatch
