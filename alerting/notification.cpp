#include "alerting/notification.h"

#include <array>
#include <cmath>
#include <limits>

#include "base/json.h"

namespace sidewatch {
namespace {

constexpr std::int64_t format_version = 1;

constexpr std::array all_levels = {Level::ok, Level::warning, Level::critical};
constexpr std::array all_reasons = {Reason::fired,    Reason::escalated,          Reason::deescalated, Reason::repeated,
                                    Reason::resolved, Reason::fired_and_resolved, Reason::rule_removed};

constexpr std::array all_comparisons = {Comparison::greater, Comparison::greater_or_equal, Comparison::less,
                                        Comparison::less_or_equal, Comparison::equal, Comparison::not_equal};

template <class Enum, std::size_t count>
std::optional<Enum> enum_of(std::string_view text, const std::array<Enum, count>& all) {
  for (const Enum value : all) {
    if (to_string(value) == text) return value;
  }
  return std::nullopt;
}

// JSON has no text for these numbers: they travel as words.
void write_number(JsonWriter& json, double value) {
  if (std::isnan(value)) {
    json.text("NaN");
  } else if (std::isinf(value)) {
    json.text(value > 0 ? "+Inf" : "-Inf");
  } else {
    json.number(value);
  }
}

double read_number(const JsonValue& value) {
  const auto word = value.text_or("");
  if (word == "+Inf") return std::numeric_limits<double>::infinity();
  if (word == "-Inf") return -std::numeric_limits<double>::infinity();
  return value.number_or(std::nan(""));
}

void write_labels(JsonWriter& json, const Labels& labels) {
  json.begin_object();
  for (const auto& [name, value] : labels) json.key(name).text(value);
  json.end_object();
}

void write_threshold(JsonWriter& json, const Threshold& threshold) {
  json.begin_object().key("is").text(to_string(threshold.comparison));
  write_number(json.key("bound"), threshold.bound);
  if (threshold.clear) write_number(json.key("clear"), *threshold.clear);
  json.end_object();
}

std::optional<Threshold> read_threshold(const JsonValue& value) {
  for (const Comparison comparison : all_comparisons) {
    if (to_string(comparison) != value["is"].text_or("")) continue;
    Threshold threshold{comparison, read_number(value["bound"]), std::nullopt};
    if (value.has("clear")) threshold.clear = read_number(value["clear"]);
    return threshold;
  }
  return std::nullopt;
}

Labels read_labels(const JsonValue& value) {
  std::vector<Label> labels;
  for (std::size_t i = 0; i < value.names().size(); ++i) {
    labels.push_back({value.names()[i], std::string(value.items()[i].text_or(""))});
  }
  return Labels(std::move(labels));
}

void write_routing(JsonWriter& json, const Routing& routing) {
  json.begin_object();
  if (routing.follow_up) json.key("follow_up").boolean(true);
  if (!routing.tells_end) json.key("tells_end").boolean(false);
  if (!routing.group.empty()) json.key("group").text(routing.group);
  if (!routing.group_labels.empty()) write_labels(json.key("group_labels"), routing.group_labels);
  if (routing.group_wait > Duration(0)) json.key("group_wait").integer(routing.group_wait.count());
  if (!routing.mute.empty()) {
    json.key("mute").begin_array();
    for (const auto& name : routing.mute) json.text(name);
    json.end_array();
  }
  if (routing.held) json.key("held").boolean(true);
  if (routing.as_written) json.key("as_written").boolean(true);
  if (!routing.batch.empty()) json.key("batch").text(routing.batch);
  json.end_object();
}

Routing read_routing(const JsonValue& value) {
  Routing routing;
  routing.follow_up = value["follow_up"].boolean_or(false);
  routing.tells_end = value["tells_end"].boolean_or(true);
  routing.group = value["group"].text_or("");
  routing.group_labels = read_labels(value["group_labels"]);
  routing.group_wait = Duration(value["group_wait"].integer_or(0));
  for (const JsonValue& name : value["mute"].items()) routing.mute.emplace_back(name.text_or(""));
  routing.held = value["held"].boolean_or(false);
  routing.as_written = value["as_written"].boolean_or(false);
  routing.batch = value["batch"].text_or("");
  return routing;
}

// The message goes where its beginning was to go, unless a route chose its receiver again.
Routing combined(const Routing& earlier, Routing later) {
  const bool held = earlier.held || later.held;
  const bool as_written = later.as_written;
  if (later.follow_up) later = earlier;
  later.held = held;
  later.as_written = as_written;
  later.batch.clear();  // with new content it is another delivery
  return later;
}

WallTime wall_at_ms(std::int64_t ms) { return WallTime(Duration(ms)); }
std::int64_t to_ms(WallTime time) { return time.time_since_epoch().count(); }

}  // namespace

std::string_view to_string(Level level) {
  switch (level) {
    case Level::ok: return "ok";
    case Level::warning: return "warning";
    case Level::critical: return "critical";
  }
  return "ok";
}

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::fired: return "fired";
    case Reason::escalated: return "escalated";
    case Reason::deescalated: return "deescalated";
    case Reason::repeated: return "repeated";
    case Reason::resolved: return "resolved";
    case Reason::fired_and_resolved: return "fired_and_resolved";
    case Reason::rule_removed: return "rule_removed";
  }
  return "fired";
}

Notification combined(const Notification& earlier, Notification later, bool known) {
  later.worst = std::max(earlier.worst, later.worst);
  later.starts_at = std::min(earlier.starts_at, later.starts_at);
  later.suppressed += earlier.suppressed;
  later.routing = combined(earlier.routing, std::move(later.routing));
  if (!known) later.reason = later.problem() ? earlier.reason : Reason::fired_and_resolved;
  return later;
}

bool is_only_an_end(const Notification& notification) {
  return !notification.problem() && notification.reason != Reason::fired_and_resolved;
}

std::string encode(const Notification& n) {
  JsonWriter json;
  json.begin_object().key("v").integer(format_version);
  json.key("id").text(n.id).key("alert_key").text(n.alert_key).key("incident").text(n.incident);
  json.key("receiver").text(n.receiver).key("reason").text(to_string(n.reason));
  json.key("level").text(to_string(n.level)).key("worst").text(to_string(n.worst)).key("rule").text(n.rule);
  write_labels(json.key("labels"), n.labels);
  write_labels(json.key("annotations"), n.annotations);
  write_number(json.key("value"), n.value);
  write_number(json.key("peak"), n.peak);
  if (n.threshold) write_threshold(json.key("threshold"), *n.threshold);
  if (!n.unit.empty()) json.key("unit").text(n.unit);
  if (!n.recent.empty()) {
    json.key("recent").begin_array();
    for (const double value : n.recent) write_number(json, value);
    json.end_array();
  }
  json.key("starts_at").integer(to_ms(n.starts_at));
  if (n.ends_at) json.key("ends_at").integer(to_ms(*n.ends_at));
  json.key("duration").integer(n.duration.count()).key("created_at").integer(to_ms(n.created_at));
  json.key("suppressed").integer(n.suppressed);
  if (n.fallback_has_it) json.key("fallback_has_it").boolean(true);
  if (!(n.routing == Routing())) write_routing(json.key("routing"), n.routing);
  json.end_object();
  return json.take();
}

Result<Notification> decode_notification(std::string_view text) {
  const auto parsed = JsonValue::parse(text);
  if (!parsed) return parsed.error();
  const JsonValue& json = *parsed;
  const std::int64_t version = json["v"].integer_or(0);
  if (version != format_version) return Error{"a notification of unknown version " + std::to_string(version), ""};
  const auto reason = enum_of(json["reason"].text_or(""), all_reasons);
  const auto level = enum_of(json["level"].text_or(""), all_levels);
  const auto worst = enum_of(json["worst"].text_or(""), all_levels);
  if (!reason || !level || !worst) return Error{"a notification with an unknown reason or level", ""};

  Notification n;
  n.id = json["id"].text_or("");
  n.alert_key = json["alert_key"].text_or("");
  n.incident = json["incident"].text_or("");
  n.receiver = json["receiver"].text_or("");
  if (n.id.empty() || n.receiver.empty()) return Error{"a notification without id or receiver", ""};
  n.reason = *reason;
  n.level = *level;
  n.worst = *worst;
  n.rule = json["rule"].text_or("");
  n.labels = read_labels(json["labels"]);
  n.annotations = read_labels(json["annotations"]);
  n.value = read_number(json["value"]);
  n.peak = read_number(json["peak"]);
  n.threshold = read_threshold(json["threshold"]);
  n.unit = json["unit"].text_or("");
  for (const JsonValue& value : json["recent"].items()) n.recent.push_back(read_number(value));
  n.starts_at = wall_at_ms(json["starts_at"].integer_or(0));
  if (json.has("ends_at")) n.ends_at = wall_at_ms(json["ends_at"].integer_or(0));
  n.duration = Duration(json["duration"].integer_or(0));
  n.created_at = wall_at_ms(json["created_at"].integer_or(0));
  n.suppressed = json["suppressed"].integer_or(0);
  n.fallback_has_it = json["fallback_has_it"].boolean_or(false);
  n.routing = read_routing(json["routing"]);
  return n;
}

}  // namespace sidewatch
