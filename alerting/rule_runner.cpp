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
    : rule_(std::move(rule)), fingerprint_(rule_.fingerprint()), query_(*rule_.expr), course_(rule_), max_alerts_(max_alerts) {
  if (counts_samples(rule_.policy) || rule_.keeps_without_series) sample_times_.emplace(*rule_.expr);
  const auto asks = [](const auto& named) { return named.second.asks(); };
  asks_ = std::any_of(rule_.annotations.begin(), rule_.annotations.end(), asks) ||
          std::any_of(rule_.labels.begin(), rule_.labels.end(), asks);
  description_ = describe(rule_);
}

void RuleRunner::tick(const TickInput& input, TickResult& result) {
  ++tick_;
  forgettable_.reset();
  course_.begin_tick();
  evaluated_at_ = input.moment.now;
  const auto taken = take_all(input, result);
  if (taken) {
    last_error_.clear();
  } else {
    has_data_ = blind_ = false;
    last_error_ = taken.error().text();
    ++failures_;
    ++result.rules_failed;
  }
  if (!has_data_ && entries_.empty() && wants_missing_data()) entry_for(Labels{}, true, result);
  for (auto& [entity, entry] : entries_) {
    if (entry.seen == tick_) continue;
    if (rule_.by_presence && taken && !blind_) without_presence(entry, input, result);
    else without_data(entry, input, result);
  }
  write_or_forget(input.moment.now, result);
}

// Either all of the result is taken or, after an error, none of it.
Result<void> RuleRunner::take_all(const TickInput& input, TickResult& result) {
  auto samples = evaluate(input);
  if (!samples) return samples.error();
  if (rule_.by_presence) return take_presences(std::move(*samples), input, result);
  if (input.limit > 0) {
    const auto alerts = std::count_if(samples->begin(), samples->end(), [&](const promql::VectorSample& sample) {
      const Reading reading = judge(rule_.policy, Level::ok, sample.value);
      return reading == Reading::warning || reading == Reading::critical;
    });
    if (auto fits = check_limit(static_cast<std::size_t>(alerts), input); !fits) return fits;
  }
  for (const auto& sample : *samples) take(sample, input, result);
  has_data_ = !samples->empty();
  return {};
}

Result<void> RuleRunner::take_presences(promql::Vector samples, const TickInput& input, TickResult& result) {
  const auto presences = presences_of(rule_, std::move(samples), input.scope);
  if (!presences) return presences.error();
  if (auto fits = check_limit(presences->size(), input); !fits) return fits;
  for (const Presence& presence : *presences) take(presence, input, result);
  blind_ = rule_.keeps_without_series && presences->empty() && !sample_times_->any();
  has_data_ = !blind_;
  return {};
}

Result<void> RuleRunner::check_limit(std::size_t alerts, const TickInput& input) const {
  if (input.limit == 0 || alerts <= input.limit) return {};
  return Error{"exceeded limit of " + std::to_string(input.limit) + " with " + std::to_string(alerts) + " alerts", ""};
}

Result<promql::Vector> RuleRunner::evaluate(const TickInput& input) {
  auto value = query_.evaluate(input.store, input.at, input.query);
  if (!value) return value.error();
  if (const auto* scalar = std::get_if<double>(&*value)) return promql::Vector{{Labels{}, *scalar}};
  auto* samples = std::get_if<promql::Vector>(&*value);
  if (samples == nullptr) return Error{"the expression does not give one value per entity", ""};
  if (sample_times_) sample_times_->update(input.store, input.at, input.query.lookback);
  if (rule_.by_presence) return std::move(*samples);
  if (const auto unique = check_unique(*samples); !unique) return unique.error();
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

// What the state machine sees is that it is there, and at which level; the value goes past it.
void RuleRunner::take(const Presence& presence, const TickInput& input, TickResult& result) {
  const auto known = entries_.find(presence.entity);
  Entry* entry = known != entries_.end() ? &known->second : entry_for(presence.entity, true, result);
  if (entry == nullptr) return;
  Alert& alert = entry->alert;
  entry->present = entry->seen = tick_;
  if (alert.rule_changed || !(alert.sample == presence.sample)) entry->changed = true;
  alert.rule_changed = false;
  alert.sample = presence.sample;
  const Time now = input.moment.now;
  const Time sampled = sample_times_ ? sample_times_->of(presence.sample.without(name_label), now) : now;
  Step step = advance(alert.state, rule_.policy, {presence_value(presence.level), sampled}, now);
  step.next.value = presence.value;
  step.next.peak = alert.state.active_since ? worse_of(*rule_.expr, alert.state.peak, presence.value) : presence.value;
  go_on(*entry, step, Reason::resolved, input, result);
}

// It is over: what was said last is said again, and no value goes with it.
void RuleRunner::without_presence(Entry& entry, const TickInput& input, TickResult& result) {
  const Alert& alert = entry.alert;
  const Time now = input.moment.now;
  if (!idle(alert.state) && !entry.texts) entry.texts = texts_of(alert, rule_, alert.state.level, &input.scope);
  Step step = advance(alert.state, rule_.policy, {presence_value(Level::ok), now}, now);
  step.next.value = idle(step.next) ? no_value : alert.state.value;
  step.next.peak = alert.state.peak;
  go_on(entry, step, Reason::resolved, input, result);
}

// A new entry, or null when there are too many.
RuleRunner::Entry* RuleRunner::entry_for(const Labels& entity, bool problem, TickResult& result) {
  if (entries_.size() >= max_alerts_ && !(problem && make_room(result))) {
    ++refused_;
    ++result.alerts_refused;
    return nullptr;
  }
  Entry entry;
  entry.alert.key = alert_key(rule_.identity(), entity);
  entry.alert.rule = rule_.identity();
  if (!rule_.id.empty()) entry.alert.name = rule_.name;
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
  const AlertState before = std::exchange(alert.state, step.next);
  if (differs_durably(before, alert.state)) entry.changed = true;
  if (step.transition == Transition::fired) {
    alert.started_wall_ms = input.moment.wall().time_since_epoch().count();
  }
  refresh_texts(entry, before, input);
  const bool may_be_told = step.transition != Transition::none || alert.contact.waiting;
  const Level level = alert.state.pending() ? alert.state.approaching() : alert.state.level;
  const AlertTexts texts = !may_be_told  ? AlertTexts{}
                           : entry.texts ? *entry.texts
                                         : texts_of(alert, rule_, level, &input.scope);
  const Situation situation{alert.state.level, step.transition, rule_.cooldown,
                            may_be_told && reaches_somebody(alert, texts.labels, input.router)};
  Decision decision = plan(alert.contact, situation, input.moment.now);
  if (decision.send == Reason::resolved) decision.send = resolved_as;
  const bool told = step.transition != Transition::none || decision.send || decision.suppressed;
  if (decision.send) tell(entry, decision, texts, input, result);
  if (!(alert.contact == contact_before)) entry.changed = true;
  if (idle(alert.state)) entry.texts.reset();
  if (!told) return;
  result.events.push_back({alert.alertname(), alert.key, texts.labels, step.transition, level, alert.state.value,
                           decision.send, decision.suppressed});
}

void RuleRunner::tell(Entry& entry, const Decision& decision, const AlertTexts& texts, const TickInput& input,
                      TickResult& result) {
  Alert& alert = entry.alert;
  const auto first = result.notifications.size();
  announce(alert, rule_, decision, input.moment, texts, input.router, result.notifications);
  if (result.notifications.size() == first) return;
  const auto recent = course_.of(rule_.by_presence ? alert.sample : alert.entity, input.store, input.at, input.query);
  for (auto i = first; i < result.notifications.size(); ++i) result.notifications[i].recent = recent;
}

// Texts are rendered when what they speak of has changed. Those of the last value outlive it, where an alert ends without
// one: in Prometheus's form always, and otherwise for want of data.
void RuleRunner::refresh_texts(Entry& entry, const AlertState& before, const TickInput& input) {
  const AlertState& state = entry.alert.state;
  const bool active = !idle(state);
  if (!active && (rule_.by_presence || std::isnan(state.value))) return;
  if (!active) return entry.texts.reset();
  const bool same_value = state.value == before.value || (std::isnan(state.value) && std::isnan(before.value));
  const bool same = same_value && state.level == before.level && state.approaching() == before.approaching();
  if (entry.texts && same && !(asks_ && entry.seen == tick_)) return;
  if (entry.texts && rule_.by_presence && entry.seen != tick_) return;
  entry.texts = texts_of(entry.alert, rule_, state.pending() ? state.approaching() : state.level, &input.scope);
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
  Entry entry{std::move(alert), 0, 0, stored, false, false, {}};
  if (!rule_.id.empty()) entry.alert.name = rule_.name;
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

}  // namespace sidewatch
