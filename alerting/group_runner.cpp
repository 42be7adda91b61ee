// See group_runner.h.

#include "alerting/group_runner.h"

#include <algorithm>
#include <utility>

namespace sidewatch {

GroupRunner::GroupRunner(RuleGroup group, std::size_t max_alerts_per_rule)
    : name_(std::move(group.name)),
      file_(std::move(group.file)),
      interval_(group.interval),
      query_offset_(group.query_offset),
      limit_(group.limit) {
  runners_.reserve(group.rules.size());
  for (AnyRule& any : group.rules) {
    if (auto* rule = std::get_if<Rule>(&any)) runners_.emplace_back(RuleRunner(std::move(*rule), max_alerts_per_rule));
    else runners_.emplace_back(RecordingRunner(std::move(std::get<RecordingRule>(any))));
  }
}

void GroupRunner::tick(TickInput input, Stopwatch stopwatch, TickResult& result) {
  const Time now = input.moment.now;
  if (has_interval()) {
    if (next_ && now < *next_) return;
    next_ = next_ ? *next_ + interval_ * ((now - *next_) / interval_ + 1) : now + interval_;
  }
  evaluated_at_ = now;
  input.at = now - query_offset_;
  input.limit = limit_;
  const double began = stopwatch != nullptr ? stopwatch() : 0;
  double before = began;
  for (auto& runner : runners_) {
    std::visit([&](auto& rule) { rule.tick(input, result); }, runner);
    if (stopwatch == nullptr) continue;
    const double after = stopwatch();
    std::visit([&](auto& rule) { rule.took(after - before); }, runner);
    before = after;
  }
  evaluation_seconds_ = before - began;
}

std::optional<Time> GroupRunner::next_due() const {
  if (has_interval()) return next_;
  std::optional<Time> due;
  each_alerting([&](const RuleRunner& rule) {
    const auto its = rule.next_due();
    if (its && (!due || *its < *due)) due = its;
  });
  return due;
}

bool GroupRunner::same_place(const GroupRunner& old) const { return name_ == old.name_ && file_ == old.file_; }

void GroupRunner::replace(const GroupRunner& old) {
  if (interval_ == old.interval_) next_ = old.next_;
}

RuleGroupView GroupRunner::view(Duration wall_step) const {
  RuleGroupView view;
  view.name = name_;
  view.file = file_;
  view.interval = interval_;
  view.limit = limit_;
  if (evaluated_at_) view.last_evaluation = to_wall(*evaluated_at_, wall_step);
  view.evaluation_seconds = evaluation_seconds_;
  for (const auto& runner : runners_) {
    view.rules.push_back(std::visit([&](const auto& rule) { return rule.view(wall_step); }, runner));
  }
  return view;
}

void GroupRunner::statuses(std::vector<RuleStatus>& out) const {
  for (const auto& runner : runners_) {
    out.push_back(std::visit([](const auto& rule) { return rule.status(); }, runner));
  }
}

}  // namespace sidewatch
