// One message about one alert: what a receiver is given, what the outbox keeps.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alerting/threshold.h"
#include "base/result.h"
#include "base/time.h"
#include "metrics/labels.h"

namespace sidewatch {

enum class Level { ok, warning, critical };
std::string_view to_string(Level level);  // "ok", "warning", "critical"

// Why a notification is sent (or, in Suppression, why not). Ends up in the payload, the logs, the metrics and the API.
enum class Reason {
  fired,               // an incident began
  escalated,           // warning -> critical
  deescalated,         // critical -> warning
  repeated,            // still firing when the cooldown that had held it back was over
  resolved,            // it is over
  fired_and_resolved,  // both were still undelivered and became one message
  rule_removed,        // resolved because a reload took the rule away
};
std::string_view to_string(Reason reason);

// How a message travels to its receiver, as the route says that chose it.
struct Routing {
  bool follow_up = false;  // no route chose this receiver now: it is told if it has heard of the incident
  bool tells_end = true;   // otherwise whoever hears of the incident through this message does not hear its end
  std::string group;       // messages of one receiver with the same may be told together; empty: by itself
  Labels group_labels;     // what those of the group have in common
  Duration group_wait{};   // how long the first of a group waits for others
  std::vector<std::string> mute;  // names of the mute times that hold it back
  bool held = false;       // something has held it back: it says what is the case when it goes
  bool as_written = false;  // it was sent under its id before, and does not change under it
  std::string batch;       // id of the delivery in which it was first tried, and in which it stays; empty: not yet

  bool operator==(const Routing&) const = default;
};

struct Notification {
  std::string id;         // the Idempotency-Key: unique per message, the same over retries and restarts
  std::string alert_key;  // identity of the alert: hash of rule and entity labels, 16 hex digits; the same over levels
  std::string incident;   // identity of the incident: all messages of one fire-to-resolve share it
  std::string receiver;
  Reason reason = Reason::fired;
  Level level = Level::ok;  // the level now: ok in a resolved message
  Level worst = Level::ok;  // the worst level of the incident
  std::string rule;         // alertname
  Labels labels;            // entity and rule labels, with alertname and severity
  Labels annotations;       // summary, description: rendered
  double value = 0;         // now: in a resolved message the value at recovery; NaN when there is none
  double peak = 0;          // the worst value of the incident
  std::optional<Threshold> threshold;  // that made the worst level of the incident
  std::string unit;                    // of value, peak and threshold, as human_value() knows it; may be empty
  std::vector<double> recent;          // values up to now, oldest first, at even distances; NaN: none then
  WallTime starts_at;       // when the incident began
  std::optional<WallTime> ends_at;  // when it ended; absent while it fires
  Duration duration{};              // of the incident so far, in elapsed (not wall) time
  WallTime created_at;
  std::int64_t suppressed = 0;  // messages of this alert that its cooldown held back since the last one sent
  bool fallback_has_it = false;  // the receiver's fallback was given the same message in its own right, or a copy of it
  Routing routing;

  bool problem() const { return level != Level::ok; }
};

// One message that says what both of an incident say. `known`: the receiver has heard of the incident, or is just being
// told.
Notification combined(const Notification& earlier, Notification later, bool known);

// The end of an incident, and nothing else in it.
bool is_only_an_end(const Notification& notification);

// As JSON text, for the outbox. decode() reads what encode() of this or an older version wrote.
std::string encode(const Notification& notification);
Result<Notification> decode_notification(std::string_view text);

}  // namespace sidewatch
