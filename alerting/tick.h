// What a tick yields, and what alerts and rules look like from outside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "alerting/notification.h"
#include "alerting/plan.h"
#include "alerting/policy/state.h"
#include "alerting/state_row.h"
#include "base/time.h"
#include "metrics/labels.h"
#include "metrics/metric.h"

namespace sidewatch {

// 1 for each pending or firing alert: {alertname, alertstate="pending|firing", level, ...its labels}.
inline constexpr Metric alerts_metric{"ALERTS", MetricType::gauge, "", "Alerts that are pending or firing."};

// Something happened to an alert, or was decided about it: for the log, the metrics and the event log.
struct AlertEvent {
  std::string rule;
  std::string alert_key;
  Labels labels;
  Transition transition = Transition::none;
  Level level = Level::ok;
  double value = 0;
  std::optional<Reason> sent;
  std::optional<Suppression> suppressed;
};

struct TickResult {
  std::vector<Notification> notifications;  // one per receiver
  std::vector<StateRow> rows;               // changed state
  std::vector<AlertEvent> events;
  std::size_t rules_failed = 0;             // evaluations that ended in an error
  std::size_t alerts_refused = 0;           // over max_alerts_per_rule
};

struct AlertView {
  std::string rule;     // the alertname
  std::string rule_id;  // Rule::identity()
  std::string key;
  std::string incident;  // as in the messages about it; empty while pending
  Labels labels;       // entity and rule labels, with alertname and severity
  Labels annotations;
  bool firing = false;      // otherwise pending
  bool recovering = false;  // firing, keep_firing_for runs
  bool unknown = false;     // no data now
  Level level = Level::ok;  // fired at, or being approached
  double value = 0;
  double peak = 0;
  WallTime active_at;       // pending since
  std::optional<WallTime> fired_at;
  bool announced = false;   // a message about this incident was queued
  bool by_presence = false;  // of a rule in Prometheus's form
  std::int64_t suppressed = 0;
};

struct RuleStatus {
  std::string id;
  std::string name;
  std::string last_error;  // empty: the last evaluation went well
  std::size_t alerts = 0;  // pending or firing; 0 of a recording rule
  std::uint64_t failures = 0;
  std::uint64_t refused = 0;
};

}  // namespace sidewatch
