// What one rule and its alerts look like from outside: in views, in rows, in a message that has waited; and what became of
// its messages. See rule_runner.h.

#include "alerting/rule_runner.h"

#include <algorithm>
#include <utility>

namespace sidewatch {

void RuleRunner::view(Duration wall_step, std::vector<AlertView>& out) const {
  const auto first = static_cast<std::ptrdiff_t>(out.size());
  for (const auto& [entity, entry] : entries_) {
    if (!idle(entry.alert.state)) fill(out.emplace_back(), entry, wall_step);
  }
  std::sort(out.begin() + first, out.end(), [](const auto& a, const auto& b) { return a.labels < b.labels; });
}

void RuleRunner::fill(AlertView& view, const Entry& entry, Duration wall_step) const {
  const Alert& alert = entry.alert;
  const AlertState& state = alert.state;
  view.level = state.firing() ? state.level : state.approaching();
  view.rule = alert.alertname();
  view.rule_id = alert.rule;
  view.key = alert.key;
  AlertTexts texts = entry.texts ? *entry.texts : texts_of(alert, rule_, view.level, nullptr);
  view.labels = std::move(texts.labels);
  view.annotations = std::move(texts.annotations);
  view.firing = state.firing();
  if (view.firing) view.incident = alert.incident();
  view.recovering = state.recovering();
  view.unknown = state.unknown_since.has_value();
  view.value = state.value;
  view.peak = state.peak;
  if (state.active_since) view.active_at = to_wall(*state.active_since, wall_step);
  if (state.firing()) view.fired_at = WallTime(Duration(alert.started_wall_ms));
  view.announced = alert.contact.told != Level::ok;
  view.by_presence = rule_.by_presence;
  view.suppressed = alert.contact.suppressed;
}

RuleStatus RuleRunner::status() const {
  const auto active = std::count_if(entries_.begin(), entries_.end(),
                                    [](const auto& item) { return !idle(item.second.alert.state); });
  return {rule_.identity(), rule_.name, last_error_, static_cast<std::size_t>(active), failures_, refused_};
}

RuleView RuleRunner::view(Duration wall_step) const {
  RuleView rule;
  rule.rule = description_;
  rule.last_error = last_error_;
  if (evaluated_at_) {
    rule.health = last_error_.empty() ? RuleHealth::ok : RuleHealth::err;
    rule.last_evaluation = to_wall(*evaluated_at_, wall_step);
  }
  rule.evaluation_seconds = evaluation_seconds_;
  view(wall_step, rule.alerts);
  for (const AlertView& alert : rule.alerts) {
    rule.state = std::max(rule.state, alert.firing ? RuleState::firing : RuleState::pending);
  }
  return rule;
}

void RuleRunner::save(std::vector<StateRow>& out) const {
  for (const auto& [entity, entry] : entries_) out.push_back({entry.alert.key, encode(entry.alert)});
}

// Whose alert a message speaks of; null: it is of another rule, or of an incident that is history.
RuleRunner::Entry* RuleRunner::entry_of(const Notification& message) {
  if (rule_.name != message.rule) return nullptr;
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const auto& item) { return item.second.alert.key == message.alert_key; });
  if (found == entries_.end() || found->second.alert.incident() != message.incident) return nullptr;
  return &found->second;
}

void RuleRunner::unheard(const Notification& end) {
  Entry* const entry = entry_of(end);
  if (entry == nullptr || entry->alert.state.firing()) return;
  sidewatch::unheard(entry->alert.contact);
  entry->changed = true;
}

bool RuleRunner::renew(Notification& message, const Store& store, Time now, const promql::Options& options) {
  const Entry* const entry = entry_of(message);
  if (entry == nullptr) return false;
  const Alert& alert = entry->alert;
  const std::optional<AlertTexts>& texts = entry->texts;
  const AlertState& state = alert.state;
  if (!state.firing() || state.level != message.level) return false;
  message.value = state.value;
  message.peak = state.peak;
  message.worst = std::max(message.worst, state.worst);
  message.duration = now - state.fired_at.value_or(now);
  message.annotations = (texts ? *texts : texts_of(alert, rule_, state.level, nullptr)).annotations;
  message.recent = course_.of(rule_.by_presence ? alert.sample : alert.entity, store, now, options);
  return true;
}

}  // namespace sidewatch
