#include "alerting/receivers/webhook_payload.h"

#include <charconv>
#include <cmath>

#include "alerting/human_value.h"
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
  if (n.threshold) {
    json.key("threshold").begin_object().key("comparison").text(to_string(n.threshold->comparison));
    json.key("bound").number(n.threshold->bound).end_object();
  }
  json.key("unit").text(n.unit).key("valueForPeople").text(human_value(n.value, n.unit));
  json.key("recent").begin_array();
  for (const double value : n.recent) json.number(value);
  json.end_array().key("sparkline").text(sparkline(n.recent));
  json.key("suppressed").integer(n.suppressed).key("incident").text(n.incident).end_object();
}

Labels labels_of(const Notification& n) {
  return n.labels.or_else(Labels{{"alertname", n.rule}, {"severity", to_string(n.worst)}});
}

// What is in all of them, and the same.
template <class Of>
Labels common(const Delivery& delivery, const Of& of) {
  Labels shared = of(delivery.first());
  for (const Notification& n : delivery.alerts) {
    const Labels labels = of(n);
    const Labels before = shared;
    for (const auto& [name, value] : before) {
      if (labels.get(name) != value) shared = shared.without(name);
    }
  }
  return shared;
}

}  // namespace

std::string webhook_payload(const Delivery& delivery, const MessageOrigin& origin) {
  const std::string_view status = delivery.level() != Level::ok ? "firing" : "resolved";
  const bool alone = delivery.alerts.size() == 1 && delivery.group_labels.empty();
  const Labels group = alone ? Labels{{"alertname", delivery.first().rule}} : delivery.group_labels;
  JsonWriter json;
  json.begin_object().key("version").text("4");
  json.key("groupKey").text("{}:" + group.to_string() + (alone ? ":" + delivery.first().alert_key : std::string()));
  json.key("truncatedAlerts").integer(0).key("status").text(status).key("receiver").text(delivery.receiver);
  write_labels(json, "groupLabels", group);
  write_labels(json, "commonLabels", common(delivery, labels_of));
  write_labels(json, "commonAnnotations", common(delivery, [](const Notification& n) { return n.annotations; }));
  json.key("externalURL").text(origin.external_url);
  if (!origin.host.empty()) json.key("host").text(origin.host);
  json.key("alerts").begin_array();
  for (const Notification& n : delivery.alerts) {
    write_alert(json, n, labels_of(n), n.problem() ? "firing" : "resolved");
  }
  json.end_array().end_object();
  return json.take();
}

}  // namespace sidewatch
