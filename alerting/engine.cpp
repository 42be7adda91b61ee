// All rules together: the tick, the restart and the reload.

#include "alerting/engine.h"

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <variant>

#include "alerting/alert.h"
#include "alerting/announce.h"
#include "alerting/group_runner.h"

namespace sidewatch {

struct Engine::State {
  std::vector<GroupRunner> groups;
  Limits limits;
  TemplateScope scope;                    // without its query
  std::vector<SourceId> removed_sources;  // of recording rules that are no more: their series go stale at the next tick
  std::vector<RuleRunner::Held> removed;  // alerts whose rule is no more: ended at the next tick
  std::vector<std::string> broken_rows;   // keys of rows that could not be read: erased at the next tick

  template <class Visitor>
  void each_alerting(const Visitor& visit) {
    for (GroupRunner& group : groups) group.each_alerting(visit);
  }
  template <class Visitor>
  void each_alerting(const Visitor& visit) const {
    for (const GroupRunner& group : groups) group.each_alerting(visit);
  }
  std::unordered_map<std::string, RuleRunner*> by_identity();
  void replace_recordings(std::vector<GroupRunner>& old);
  void end_removed(const Moment& moment, const Router& router, TickResult& result);
};

namespace {

std::vector<GroupRunner> runners_of(std::vector<RuleGroup> groups, std::size_t max_alerts) {
  std::vector<GroupRunner> runners;
  runners.reserve(groups.size());
  for (RuleGroup& group : groups) runners.emplace_back(std::move(group), max_alerts);
  return runners;
}

// Stands in for a rule that is gone, in the last message of its alert.
Rule tombstone(const std::string& name) {
  Rule rule;
  rule.name = name;
  rule.annotations.emplace_back("summary", Template::parse("Resolved: this rule is no longer configured").value());
  return rule;
}

// `query` in a template: parsed and evaluated when the template is rendered, within the limits of any query.
Result<promql::Vector> query_for_template(std::string_view text, const Store& store, Time at,
                                          const promql::Options& options) {
  const auto expression = promql::Expression::parse(text);
  if (!expression) return expression.error();
  auto value = promql::evaluate(*expression, store, at, options);
  if (!value) return value.error();
  if (const auto* number = std::get_if<double>(&*value)) return promql::Vector{{Labels{}, *number}};
  if (auto* samples = std::get_if<promql::Vector>(&*value)) return std::move(*samples);
  return Error{"query result is not a vector or scalar", ""};
}

}  // namespace

std::optional<Time> newest_time(std::span<const StateRow> rows) {
  std::optional<Time> newest;
  for (const StateRow& row : rows) {
    if (const auto alert = decode_alert(row.blob)) newest = std::max(newest, newest_time(*alert));
  }
  return newest;
}

std::unordered_map<std::string, RuleRunner*> Engine::State::by_identity() {
  std::unordered_map<std::string, RuleRunner*> found;
  each_alerting([&](RuleRunner& runner) { found.emplace(runner.rule().identity(), &runner); });
  return found;
}

// What was recorded before goes on under the rule that has its identity.
void Engine::State::replace_recordings(std::vector<GroupRunner>& old) {
  std::unordered_map<std::string, RecordingRunner*> before;
  for (GroupRunner& group : old) {
    group.each_recording([&](RecordingRunner& runner) { before.emplace(runner.rule().identity(), &runner); });
  }
  for (GroupRunner& group : groups) {
    group.each_recording([&](RecordingRunner& runner) {
      const auto found = before.find(runner.rule().identity());
      if (found != before.end()) runner.replace(*found->second);
    });
  }
  for (const auto& [identity, runner] : before) {
    if (const auto source = runner->release()) removed_sources.push_back(*source);
  }
}

void Engine::State::end_removed(const Moment& moment, const Router& router, TickResult& result) {
  for (auto& [alert, stored] : removed) {
    const Step step = end(alert.state);
    alert.state = step.next;
    Decision decision = plan(alert.contact, {Level::ok, step.transition, Duration(0), !router.receivers().empty()}, moment.now);
    const Rule rule = tombstone(alert.alertname());
    const AlertTexts texts = texts_of(alert, rule, Level::ok, nullptr);
    if (decision.send) {
      decision.send = Reason::rule_removed;
      announce(alert, rule, decision, moment, texts, router, result.notifications);
    }
    if (step.transition != Transition::none) {
      result.events.push_back({alert.alertname(), alert.key, texts.labels, step.transition, Level::ok,
                               alert.state.value, decision.send, decision.suppressed});
    }
    if (stored) result.rows.push_back({alert.key, ""});
  }
  removed.clear();
  for (const std::string& key : broken_rows) result.rows.push_back({key, ""});
  broken_rows.clear();
}

Engine::Engine(std::vector<RuleGroup> groups, Limits limits) : state_(std::make_unique<State>()) {
  state_->limits = limits;
  state_->groups = runners_of(std::move(groups), limits.max_alerts_per_rule);
}

Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

TickResult Engine::tick(Store& store, Time now, Duration wall_step, const Router& router) {
  TickResult result;
  const Moment moment{now, wall_step};
  state_->end_removed(moment, router, result);
  for (const SourceId source : std::exchange(state_->removed_sources, {})) store.remove_source(source, now);
  const promql::Options& options = state_->limits.query;
  TemplateScope scope = state_->scope;
  scope.query = [&store, now, &options](std::string_view text) { return query_for_template(text, store, now, options); };
  for (GroupRunner& group : state_->groups) {
    group.tick({store, moment, now, router, options, scope}, state_->limits.stopwatch, result);
  }
  return result;
}

std::optional<Time> Engine::next_due() const {
  std::optional<Time> due;
  for (const GroupRunner& group : state_->groups) {
    const auto its = group.next_due();
    if (its && (!due || *its < *due)) due = its;
  }
  return due;
}

void Engine::set_externals(Labels labels, std::string url) {
  state_->scope.external_labels = std::move(labels);
  state_->scope.external_url = std::move(url);
}

RestoreReport Engine::restore(std::span<const StateRow> rows, Time saved_at, Time now, Duration downtime) {
  RestoreReport report;
  const Duration paused = now - saved_at;
  const Duration real = paused - downtime;
  const auto runners = state_->by_identity();
  for (const StateRow& row : rows) {
    auto alert = decode_alert(row.blob);
    if (!alert || alert->key != row.key) {
      report.problems.push_back("row " + row.key + ": " +
                                (alert ? std::string("it holds another alert") : alert.error().what));
      state_->broken_rows.push_back(row.key);
      continue;
    }
    shift(alert->state, paused, real);
    shift(alert->contact, real);
    if (const auto found = runners.find(alert->rule); found != runners.end()) {
      found->second->adopt(std::move(*alert), true);
      ++report.restored;
    } else {
      state_->removed.push_back({std::move(*alert), true});
      ++report.orphaned;
    }
  }
  return report;
}

void Engine::skip(Duration unseen) {
  state_->each_alerting([&](RuleRunner& runner) { runner.skip(unseen); });
}

bool Engine::renew(Notification& message, const Store& store, Time now) const {
  bool renewed = false;
  state_->each_alerting([&](RuleRunner& runner) {
    renewed = renewed || runner.renew(message, store, now, state_->limits.query);
  });
  return renewed;
}

void Engine::unheard(const Notification& end) {
  state_->each_alerting([&](RuleRunner& runner) { runner.unheard(end); });
}

void Engine::replace_rules(std::vector<RuleGroup> groups) {
  const std::size_t max_alerts = state_->limits.max_alerts_per_rule;
  std::vector<GroupRunner> old = std::exchange(state_->groups, runners_of(std::move(groups), max_alerts));
  state_->replace_recordings(old);
  for (GroupRunner& group : state_->groups) {
    const auto before = std::find_if(old.begin(), old.end(), [&](const GroupRunner& its) { return group.same_place(its); });
    if (before != old.end()) group.replace(*before);
  }
  const auto runners = state_->by_identity();
  // Also what an earlier reload took away and no tick has ended yet: its rule may be back.
  std::vector<RuleRunner::Held> all = std::exchange(state_->removed, {});
  for (GroupRunner& group : old) {
    group.each_alerting([&](RuleRunner& runner) {
      for (auto& held : runner.release()) all.push_back(std::move(held));
    });
  }
  for (auto& held : all) {
    if (const auto found = runners.find(held.alert.rule); found != runners.end()) {
      found->second->adopt(std::move(held.alert), held.stored);
    } else {
      state_->removed.push_back(std::move(held));
    }
  }
}

std::vector<AlertView> Engine::alerts(Duration wall_step) const {
  std::vector<AlertView> views;
  state_->each_alerting([&](const RuleRunner& runner) { runner.view(wall_step, views); });
  return views;
}

std::vector<Labels> Engine::alert_series() const {
  std::vector<Labels> series;
  for (const AlertView& alert : alerts(Duration(0))) {
    const Labels labels = alert.labels.with("alertstate", alert.firing ? "firing" : "pending");
    series.push_back(alert.by_presence ? labels : labels.with("level", to_string(alert.level)));
  }
  return series;
}

std::vector<RuleStatus> Engine::rules() const {
  std::vector<RuleStatus> statuses;
  for (const GroupRunner& group : state_->groups) group.statuses(statuses);
  return statuses;
}

std::vector<RuleGroupView> Engine::groups(Duration wall_step) const {
  std::vector<RuleGroupView> views;
  for (const GroupRunner& group : state_->groups) views.push_back(group.view(wall_step));
  return views;
}

std::vector<StateRow> Engine::state() const {
  std::vector<StateRow> rows;
  state_->each_alerting([&](const RuleRunner& runner) { runner.save(rows); });
  for (const auto& [alert, stored] : state_->removed) rows.push_back({alert.key, encode(alert)});
  return rows;
}

}  // namespace sidewatch
