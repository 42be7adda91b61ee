// One tick of one rule; see rule_runner.h.

#include "alerting/rule_runner.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <utility>
#include <variant>

namespace sidewatch {
namespace {

constexpr std::string_view name_label = "__name__";
constexpr double no_value = std::numeric_limits<double>::quiet_NaN();

bool counts_samples(const Policy& policy) {
  return (policy.warning && policy.warning->hold.of > 0) || (policy.critical && policy.critical->hold.of > 0);
}

// Two values for one entity can only come of series that differ in nothing but their name.
Result<void> check_unique(const promql::Vector& samples) {
  const auto same_name = [&](const auto& s) {
    return s.labels.get(name_label) == samples.front().labels.get(name_label);
  };
  if (std::all_of(samples.begin(), samples.end(), same_name)) return {};
  std::unordered_set<Labels, LabelsHash> seen;
  for (const auto& sample : samples) {
    const Labels entity = sample.labels.without(name_label);
    if (!seen.insert(entity).second) return Error{"the expression gives two values for " + entity.to_string(), ""};
  }
  return {};
}

}  // namespace

RuleRunner::RuleRunner(Rule rule, std::size_t max_alerts)
    : rule_(std::move(rule)), fingerprint_(rule_.fingerprint()), query_(*rule_.expr), max_alerts_(max_alerts) {
  if (counts_samples(rule_.policy)) sample_times_.emplace(*rule_.expr);
}

void RuleRunner::tick(const TickInput& input, TickResult& result) {
  ++tick_;
  forgettable_.reset();
  const auto samples = evaluate(input);
  if (samples) {
    last_error_.clear();
    for (const auto& sample : *samples) take(sample, input, result);
  } else {
    last_error_ = samples.error().text();
    ++failures_;
    ++result.rules_failed;
  }
  has_data_ = samples && !samples->empty();
  if (!has_data_ && entries_.empty() && wants_missing_data()) entry_for(Labels{}, true, result);
  for (auto& [entity, entry] : entries_) {
    if (entry.seen != tick_) without_data(entry, input, result);
  }
  write_or_forget(input.moment.now, result);
}

Result<promql::Vector> RuleRunner::evaluate(const TickInput& input) {
  auto value = query_.evaluate(input.store, input.moment.now, input.query);
  if (!value) return value.error();
  if (const auto* scalar = std::get_if<double>(&*value)) return promql::Vector{{Labels{}, *scalar}};
  auto* samples = std::get_if<promql::Vector>(&*value);
  if (samples == nullptr) return Error{"the expression does not give one value per entity", ""};
  if (const auto unique = check_unique(*samples); !unique) return unique.error();
  if (sample_times_) sample_times_->update(input.store, input.moment.now, input.query.lookback);
  return std::move(*samples);
}

// The usual case is an entity that is well and was well before: it costs a comparison and no look-up.
void RuleRunner::take(const promql::VectorSample& sample, const TickInput& input, TickResult& result) {
  const Reading reading = judge(rule_.policy, Level::ok, sample.value);
  const bool well = reading == Reading::ok || reading == Reading::unknown;
  if (well && entries_.empty() && !wants_missing_data()) return;
  const Labels entity = sample.labels.without(name_label);
  const auto known = entries_.find(entity);
  if (known == entries_.end() && well && !wants_missing_data()) return;
  Entry* entry = known != entries_.end() ? &known->second : entry_for(entity, !well, result);
  if (entry == nullptr) return;
  entry->present = tick_;
  if (std::isnan(sample.value)) return;  // no data: left to without_data
  entry->seen = tick_;
  if (entry->alert.rule_changed) {
    entry->alert.rule_changed = false;
    entry->changed = true;
  }
  const Time now = input.moment.now;
  const Observation seen{sample.value, sample_times_ ? sample_times_->of(entity, now) : now};
  go_on(*entry, advance(entry->alert.state, rule_.policy, seen, now), Reason::resolved, input, result);
}

// A new entry, or null when there are too many.
RuleRunner::Entry* RuleRunner::entry_for(const Labels& entity, bool problem, TickResult& result) {
  if (entries_.size() >= max_alerts_ && !(problem && make_room(result))) {
    ++refused_;
    ++result.alerts_refused;
    return nullptr;
  }
  Entry entry;
  entry.alert.key = alert_key(rule_.name, entity);
  entry.alert.rule = rule_.name;
  entry.alert.entity = entity;
  entry.alert.fingerprint = fingerprint_;
  entry.changed = true;
  return &entries_.emplace(entity, std::move(entry)).first->second;
}

// Forgets one that is only remembered. A new problem must not go unheard because of problems that are over; what that
// can cost is a message within a cooldown.
bool RuleRunner::make_room(TickResult& result) {
  const auto only_remembered = [](const Entry& entry) {
    const Contact& contact = entry.alert.contact;
    return idle(entry.alert.state) && contact.told == Level::ok && !contact.waiting;
  };
  if (!forgettable_) {
    std::vector<std::pair<std::optional<Time>, const Labels*>> found;
    for (const auto& [entity, entry] : entries_) {
      if (only_remembered(entry)) found.emplace_back(entry.alert.contact.last_problem, &entity);
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    forgettable_.emplace();
    for (const auto& [last_problem, entity] : found) forgettable_->push_back(*entity);
  }
  while (!forgettable_->empty()) {
    const auto oldest = entries_.find(forgettable_->back());
    forgettable_->pop_back();
    if (oldest == entries_.end() || !only_remembered(oldest->second)) continue;
    if (oldest->second.stored) result.rows.push_back({oldest->second.alert.key, ""});
    entries_.erase(oldest);
    return true;
  }
  return false;
}

void RuleRunner::without_data(Entry& entry, const TickInput& input, TickResult& result) {
  const Time now = input.moment.now;
  const AlertState& state = entry.alert.state;
  // "The rule has no data at all" stands for every entity, until there is one.
  if (entry.alert.entity.empty() && entry.present != tick_ && has_data_ && wants_missing_data()) {
    entry.over = true;
    return go_on(entry, end(state), Reason::resolved, input, result);
  }
  // The changed rule speaks of others, and of this entity not any more. (When it gives nothing at all, its source may
  // have failed: that ends no alert.)
  if (entry.alert.rule_changed && has_data_ && state.unknown_since && now - *state.unknown_since >= rule_.policy.no_data_after) {
    entry.over = true;
    return go_on(entry, end(state), Reason::rule_removed, input, result);
  }
  go_on(entry, advance(state, rule_.policy, {no_value, now}, now), Reason::resolved, input, result);
}

void RuleRunner::go_on(Entry& entry, const Step& step, Reason resolved_as, const TickInput& input, TickResult& result) {
  Alert& alert = entry.alert;
  const Contact contact_before = alert.contact;
  if (differs_durably(alert.state, step.next)) entry.changed = true;
  alert.state = step.next;
  if (step.transition == Transition::fired) {
    alert.started_wall_ms = input.moment.wall().time_since_epoch().count();
  }
  const Situation situation{alert.state.level, step.transition, rule_.cooldown, !input.receivers.empty()};
  Decision decision = plan(alert.contact, situation, input.moment.now);
  if (decision.send == Reason::resolved) decision.send = resolved_as;
  if (decision.send) announce(alert, rule_, decision, input.moment, input.receivers, result.notifications);
  if (!(alert.contact == contact_before)) entry.changed = true;
  if (step.transition == Transition::none && !decision.send && !decision.suppressed) return;
  const Level level = alert.state.pending() ? alert.state.approaching() : alert.state.level;
  result.events.push_back({alert.rule, alert.key, labels_of(alert, rule_, level), step.transition, level,
                           alert.state.value, decision.send, decision.suppressed});
}

void RuleRunner::write_or_forget(Time now, TickResult& result) {
  due_.reset();
  for (auto it = entries_.begin(); it != entries_.end();) {
    Entry& entry = it->second;
    const bool nothing_left = idle(entry.alert.state) && idle(entry.alert.contact, rule_.cooldown, now);
    if (entry.over ? nothing_left : nothing_left && !wants_missing_data()) {
      if (entry.stored) result.rows.push_back({entry.alert.key, ""});
      it = entries_.erase(it);
      continue;
    }
    if (entry.changed) result.rows.push_back({entry.alert.key, encode(entry.alert)});
    entry.stored = entry.stored || entry.changed;
    entry.changed = false;
    note_due(entry);
    ++it;
  }
}

void RuleRunner::note_due(const Entry& entry) {
  const auto consider = [&](const std::optional<Time>& time) {
    if (time && (!due_ || *time < *due_)) due_ = time;
  };
  const AlertState& state = entry.alert.state;
  consider(sidewatch::next_due(state, rule_.policy));
  consider(sidewatch::next_due(entry.alert.contact, rule_.cooldown));
  if (entry.alert.rule_changed && has_data_ && state.unknown_since) consider(*state.unknown_since + rule_.policy.no_data_after);
}

void RuleRunner::skip(Duration unseen) {
  due_.reset();
  for (auto& [entity, entry] : entries_) {
    const AlertState before = entry.alert.state;
    shift(entry.alert.state, unseen, Duration(0));
    if (differs_durably(before, entry.alert.state)) entry.changed = true;
    note_due(entry);
  }
}

bool RuleRunner::wants_missing_data() const {
  return rule_.policy.no_data == NoData::warning || rule_.policy.no_data == NoData::critical;
}

void RuleRunner::adopt(Alert alert, bool stored) {
  Entry entry{std::move(alert), 0, 0, stored, false, false};
  // Written anew at the next tick, beside the new time of the save: a restart has moved its times, and a row that still
  // had the old ones would be moved by too much when the next process reads it.
  entry.changed = true;
  if (entry.alert.fingerprint != fingerprint_) {
    restart_tracks(entry.alert.state);
    entry.alert.fingerprint = fingerprint_;
    entry.alert.rule_changed = true;
  }
  Labels entity = entry.alert.entity;
  entries_.insert_or_assign(std::move(entity), std::move(entry));
}

std::vector<RuleRunner::Held> RuleRunner::release() {
  std::vector<Held> held;
  for (auto& [entity, entry] : entries_) held.push_back({std::move(entry.alert), entry.stored});
  entries_.clear();
  return held;
}

void RuleRunner::view(Duration wall_step, std::vector<AlertView>& out) const {
  const auto first = static_cast<std::ptrdiff_t>(out.size());
  for (const auto& [entity, entry] : entries_) {
    const Alert& alert = entry.alert;
    const AlertState& state = alert.state;
    if (idle(state)) continue;
    AlertView view;
    view.level = state.firing() ? state.level : state.approaching();
    view.rule = alert.rule;
    view.key = alert.key;
    view.labels = labels_of(alert, rule_, view.level);
    view.annotations = annotations_of(alert, rule_, view.level);
    view.firing = state.firing();
    if (view.firing) view.incident = alert.incident();
    view.recovering = state.recovering();
    view.unknown = state.unknown_since.has_value();
    view.value = state.value;
    view.peak = state.peak;
    if (state.active_since) view.active_at = to_wall(*state.active_since, wall_step);
    if (state.firing()) view.fired_at = WallTime(Duration(alert.started_wall_ms));
    view.announced = alert.contact.told != Level::ok;
    view.suppressed = alert.contact.suppressed;
    out.push_back(std::move(view));
  }
  std::sort(out.begin() + first, out.end(), [](const auto& a, const auto& b) { return a.labels < b.labels; });
}

RuleStatus RuleRunner::status() const {
  const auto active = std::count_if(entries_.begin(), entries_.end(),
                                    [](const auto& item) { return !idle(item.second.alert.state); });
  return {rule_.name, last_error_, static_cast<std::size_t>(active), failures_, refused_};
}

void RuleRunner::save(std::vector<StateRow>& out) const {
  for (const auto& [entity, entry] : entries_) out.push_back({entry.alert.key, encode(entry.alert)});
}

}  // namespace sidewatch
