#include "alerting/receivers/webhook_payload.h"

#include <charconv>
#include <cmath>

#include "base/json.h"

namespace sidewatch {
namespace {

constexpr std::string_view not_yet = "0001-01-01T00:00:00Z";  // Go's zero time, which the format uses

std::string value_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char digits[40];
  return std::string(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void write_labels(JsonWriter& json, std::string_view key, const Labels& labels) {
  json.key(key).begin_object();
  for (const auto& [name, value] : labels) json.key(name).text(value);
  json.end_object();
}

void write_alert(JsonWriter& json, const Notification& n, const Labels& labels, std::string_view status) {
  json.begin_object().key("status").text(status);
  write_labels(json, "labels", labels);
  write_labels(json, "annotations", n.annotations);
  json.key("startsAt").text(to_rfc3339(n.starts_at));
  json.key("endsAt").text(n.ends_at && !n.problem() ? to_rfc3339(*n.ends_at) : std::string(not_yet));
  json.key("generatorURL").text("").key("fingerprint").text(n.alert_key);
  json.key("value").number(n.value).key("valueString").text(value_text(n.value)).key("peak").number(n.peak);
  json.key("level").text(to_string(n.level)).key("worstLevel").text(to_string(n.worst));
  json.key("reason").text(to_string(n.reason)).key("durationSeconds").number(to_seconds(n.duration));
  json.key("suppressed").integer(n.suppressed).key("incident").text(n.incident).end_object();
}

}  // namespace

std::string webhook_payload(const Notification& n, const std::string& external_url) {
  const std::string_view status = n.problem() ? "firing" : "resolved";
  const Labels labels = n.labels.or_else(Labels{{"alertname", n.rule}, {"severity", to_string(n.worst)}});
  const Labels group{{"alertname", n.rule}};
  JsonWriter json;
  json.begin_object().key("version").text("4");
  json.key("groupKey").text("{}:" + group.to_string() + ":" + n.alert_key).key("truncatedAlerts").integer(0);
  json.key("status").text(status).key("receiver").text(n.receiver);
  write_labels(json, "groupLabels", group);
  write_labels(json, "commonLabels", labels);
  write_labels(json, "commonAnnotations", n.annotations);
  json.key("externalURL").text(external_url).key("alerts").begin_array();
  write_alert(json, n, labels, status);
  json.end_array().end_object();
  return json.take();
}

}  // namespace sidewatch
