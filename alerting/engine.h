// All rules and all alerts: one tick evaluates every rule, group by group and each group in order, advances every alert
// and says what is to be told. What recording rules give is written into the store at once, so that the rules behind
// them see it.
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

#include "alerting/routes/route.h"
#include "alerting/rule_group.h"
#include "alerting/rule_view.h"
#include "alerting/tick.h"
#include "base/time.h"
#include "metrics/promql/expression.h"
#include "metrics/store.h"

namespace sidewatch {

struct RestoreReport {
  std::size_t restored = 0;
  std::size_t orphaned = 0;             // of rules that are no more: resolved at the next tick
  std::vector<std::string> problems;    // rows that could not be read: dropped, one sentence each
};

// The latest time that the rows speak of: the last sign of life where none was saved. Absent: no row can be read.
std::optional<Time> newest_time(std::span<const StateRow> rows);

class Engine {
 public:
  struct Limits {
    std::size_t max_alerts_per_rule = 1000;  // limits.max_alerts_per_rule
    promql::Options query;
    double (*stopwatch)() = nullptr;  // seconds, to measure evaluations with; null: they are not measured
  };

  // The store that it ticks with must outlive it.
  Engine(std::vector<RuleGroup> groups, Limits limits);
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  // The alerts have gone on when this returns: a result that could not be written must be kept and written before the
  // next one. Problems that reach nobody wait until they do.
  TickResult tick(Store& store, Time now, Duration wall_step, const Router& router);

  // When a tick is due although no sample arrives: a delay, a cooldown or no_data_after ends. Absent: never. Known
  // after a tick; tick at once after restore() and replace_rules().
  std::optional<Time> next_due() const;

  // Before the first tick. `rows` as they were last written, `saved_at` the last moment the old process is known to
  // have lived (on its timeline), `downtime` how long ago that is. Delays go on where they stood; cooldowns went on
  // running.
  RestoreReport restore(std::span<const StateRow> rows, Time saved_at, Time now, Duration downtime);

  // Nobody looked for so long although the process lived (it was stopped, or the machine slept): delays stand still,
  // cooldowns do not.
  void skip(Duration unseen);

  // Alerts of rules that mean the same stay as they are; of changed rules they are judged anew, with their cooldown;
  // of rules that are gone they resolve at the next tick with Reason::rule_removed.
  void replace_rules(std::vector<RuleGroup> groups);

  // A message that has waited says what is the case now: value, texts, duration, course. Left as it is, and false, where
  // its incident is over, or the alert is at another level, which a message of its own will tell.
  bool renew(Notification& message, const Store& store, Time now) const;

  // The end of an incident of which nobody was told: no cooldown runs because of it.
  void unheard(const Notification& end);

  // What templates know as $externalLabels and $externalURL.
  void set_externals(Labels labels, std::string url);

  std::vector<AlertView> alerts(Duration wall_step) const;  // pending and firing, by rule and labels
  std::vector<Labels> alert_series() const;                 // labels of each ALERTS series, without __name__
  std::vector<RuleStatus> rules() const;                    // of both kinds
  std::vector<RuleGroupView> groups(Duration wall_step) const;
  std::vector<StateRow> state() const;                      // every alert, for a complete save

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sidewatch
