// All rules and all alerts: one tick evaluates every rule, advances every alert and says what is to be told.
//
// No thread, no clock, no log, no disk: the caller gives `now` and takes away what happened. The rows and the
// notifications of one tick belong into one transaction; a process that dies before it did nothing, and does it again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alerting/alert.h"
#include "alerting/notification.h"
#include "alerting/plan.h"
#include "alerting/rule.h"
#include "base/time.h"
#include "metrics/metric.h"
#include "metrics/promql/expression.h"
#include "metrics/store.h"

namespace sidewatch {

// 1 for each pending or firing alert: {alertname, alertstate="pending|firing", level, ...its labels}.
inline constexpr Metric alerts_metric{"ALERTS", MetricType::gauge, "", "Alerts that are pending or firing."};

struct StateRow {
  std::string key;
  std::string blob;  // empty: erase the row
};

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
  std::string rule;
  std::string key;
  Labels labels;       // entity and rule labels, with alertname and severity
  Labels annotations;  // summary, description
  bool firing = false;      // otherwise pending
  bool recovering = false;  // firing, keep_firing_for runs
  bool unknown = false;     // no data now
  Level level = Level::ok;  // fired at, or being approached
  double value = 0;
  double peak = 0;
  WallTime active_at;       // pending since
  std::optional<WallTime> fired_at;
  bool announced = false;   // a message about this incident was queued
  std::int64_t suppressed = 0;
};

struct RuleStatus {
  std::string name;
  std::string last_error;  // empty: the last evaluation went well
  std::size_t alerts = 0;  // pending or firing
  std::uint64_t failures = 0;
  std::uint64_t refused = 0;
};

struct RestoreReport {
  std::size_t restored = 0;
  std::size_t orphaned = 0;             // of rules that are no more: resolved at the next tick
  std::vector<std::string> problems;    // rows that could not be read: dropped, one sentence each
};

class Engine {
 public:
  struct Limits {
    std::size_t max_alerts_per_rule = 1000;  // limits.max_alerts_per_rule
    promql::Options query;
  };

  Engine(std::vector<Rule> rules, Limits limits);
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  TickResult tick(const Store& store, Time now, Duration wall_step, std::span<const std::string> receivers);

  // When a tick is due although no sample arrives: a delay, a cooldown or no_data_after ends. Absent: never.
  std::optional<Time> next_due() const;

  // Before the first tick. `rows` as they were last written, `saved_at` the last moment the old process is known to have
  // lived (on its timeline), `downtime` how long ago that is. Delays go on where they stood; cooldowns went on running.
  RestoreReport restore(std::span<const StateRow> rows, Time saved_at, Time now, Duration downtime);

  // Alerts of rules that mean the same stay as they are; of changed rules they are judged anew, with their cooldown;
  // of rules that are gone they resolve at the next tick with Reason::rule_removed.
  void replace_rules(std::vector<Rule> rules);

  std::vector<AlertView> alerts(Duration wall_step) const;  // pending and firing, by rule and labels
  std::vector<Labels> alert_series() const;                 // labels of each ALERTS series, without __name__
  std::vector<RuleStatus> rules() const;
  std::vector<StateRow> state() const;                      // every alert, for a complete save

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sidewatch
