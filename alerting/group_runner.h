// One group at work: its rules in the order in which they are written, whenever samples arrive or at its own interval.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "alerting/recording_runner.h"
#include "alerting/rule_group.h"
#include "alerting/rule_runner.h"
#include "alerting/rule_view.h"

namespace sidewatch {

// Seconds on a clock that only measures; null: nothing is measured.
using Stopwatch = double (*)();

class GroupRunner {
 public:
  GroupRunner(RuleGroup group, std::size_t max_alerts_per_rule);

  // Does nothing before the interval is over. `input.at` and `input.limit` are the group's own business.
  void tick(TickInput input, Stopwatch stopwatch, TickResult& result);
  std::optional<Time> next_due() const;

  // A reload put this group in the place of `old`: its interval goes on as it ran.
  bool same_place(const GroupRunner& old) const;
  void replace(const GroupRunner& old);

  RuleGroupView view(Duration wall_step) const;

  template <class Visitor>
  void each_alerting(const Visitor& visit) {
    for (auto& runner : runners_) {
      if (auto* rule = std::get_if<RuleRunner>(&runner)) visit(*rule);
    }
  }
  template <class Visitor>
  void each_alerting(const Visitor& visit) const {
    for (const auto& runner : runners_) {
      if (const auto* rule = std::get_if<RuleRunner>(&runner)) visit(*rule);
    }
  }
  template <class Visitor>
  void each_recording(const Visitor& visit) {
    for (auto& runner : runners_) {
      if (auto* rule = std::get_if<RecordingRunner>(&runner)) visit(*rule);
    }
  }
  void statuses(std::vector<RuleStatus>& out) const;

 private:
  bool has_interval() const { return interval_ > Duration(0); }

  std::string name_;
  std::string file_;
  Duration interval_;
  Duration query_offset_;
  std::size_t limit_;
  std::vector<std::variant<RuleRunner, RecordingRunner>> runners_;
  std::optional<Time> next_;  // with an interval: absent before the first tick
  std::optional<Time> evaluated_at_;
  double evaluation_seconds_ = 0;
};

}  // namespace sidewatch
