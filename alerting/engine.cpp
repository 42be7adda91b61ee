// All rules together: the tick, the restart and the reload.

#include "alerting/engine.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "alerting/alert.h"
#include "alerting/announce.h"
#include "alerting/rule_runner.h"

namespace sidewatch {

struct Engine::State {
  std::vector<RuleRunner> runners;
  Limits limits;
  std::vector<RuleRunner::Held> removed;  // alerts whose rule is no more: ended at the next tick
  std::vector<std::string> broken_rows;   // keys of rows that could not be read: erased at the next tick

  std::unordered_map<std::string, RuleRunner*> by_name();
  void end_removed(const Moment& moment, std::span<const std::string> receivers, TickResult& result);
};

namespace {

std::vector<RuleRunner> runners_of(std::vector<Rule> rules, std::size_t max_alerts) {
  std::vector<RuleRunner> runners;
  runners.reserve(rules.size());
  for (Rule& rule : rules) runners.emplace_back(std::move(rule), max_alerts);
  return runners;
}

// Stands in for a rule that is gone, in the last message of its alert.
Rule tombstone(const std::string& name) {
  Rule rule;
  rule.name = name;
  if (auto summary = Template::parse("Resolved: this rule is no longer configured")) rule.summary = std::move(*summary);
  return rule;
}

}  // namespace

std::optional<Time> newest_time(std::span<const StateRow> rows) {
  std::optional<Time> newest;
  for (const StateRow& row : rows) {
    if (const auto alert = decode_alert(row.blob)) newest = std::max(newest, newest_time(*alert));
  }
  return newest;
}

std::unordered_map<std::string, RuleRunner*> Engine::State::by_name() {
  std::unordered_map<std::string, RuleRunner*> found;
  for (RuleRunner& runner : runners) found.emplace(runner.rule().name, &runner);
  return found;
}

void Engine::State::end_removed(const Moment& moment, std::span<const std::string> receivers, TickResult& result) {
  for (auto& [alert, stored] : removed) {
    const Step step = end(alert.state);
    alert.state = step.next;
    Decision decision = plan(alert.contact, {Level::ok, step.transition, Duration(0), !receivers.empty()}, moment.now);
    const Rule rule = tombstone(alert.rule);
    if (decision.send) {
      decision.send = Reason::rule_removed;
      announce(alert, rule, decision, moment, receivers, result.notifications);
    }
    if (step.transition != Transition::none) {
      result.events.push_back({alert.rule, alert.key, labels_of(alert, rule, Level::ok), step.transition, Level::ok,
                               alert.state.value, decision.send, decision.suppressed});
    }
    if (stored) result.rows.push_back({alert.key, ""});
  }
  removed.clear();
  for (const std::string& key : broken_rows) result.rows.push_back({key, ""});
  broken_rows.clear();
}

Engine::Engine(std::vector<Rule> rules, Limits limits) : state_(std::make_unique<State>()) {
  state_->limits = limits;
  state_->runners = runners_of(std::move(rules), limits.max_alerts_per_rule);
}

Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

TickResult Engine::tick(const Store& store, Time now, Duration wall_step, std::span<const std::string> receivers) {
  TickResult result;
  const Moment moment{now, wall_step};
  state_->end_removed(moment, receivers, result);
  const TickInput input{store, moment, receivers, state_->limits.query};
  for (RuleRunner& runner : state_->runners) runner.tick(input, result);
  return result;
}

std::optional<Time> Engine::next_due() const {
  std::optional<Time> due;
  for (const RuleRunner& runner : state_->runners) {
    const auto its = runner.next_due();
    if (its && (!due || *its < *due)) due = its;
  }
  return due;
}

RestoreReport Engine::restore(std::span<const StateRow> rows, Time saved_at, Time now, Duration downtime) {
  RestoreReport report;
  const Duration paused = now - saved_at;
  const Duration real = paused - downtime;
  const auto runners = state_->by_name();
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
  for (RuleRunner& runner : state_->runners) runner.skip(unseen);
}

void Engine::replace_rules(std::vector<Rule> rules) {
  const std::size_t max_alerts = state_->limits.max_alerts_per_rule;
  std::vector<RuleRunner> old = std::exchange(state_->runners, runners_of(std::move(rules), max_alerts));
  const auto runners = state_->by_name();
  // Also what an earlier reload took away and no tick has ended yet: its rule may be back.
  std::vector<RuleRunner::Held> all = std::exchange(state_->removed, {});
  for (RuleRunner& runner : old) {
    for (auto& held : runner.release()) all.push_back(std::move(held));
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
  for (const RuleRunner& runner : state_->runners) runner.view(wall_step, views);
  return views;
}

std::vector<Labels> Engine::alert_series() const {
  std::vector<Labels> series;
  for (const AlertView& alert : alerts(Duration(0))) {
    series.push_back(alert.labels.with("alertstate", alert.firing ? "firing" : "pending")
                         .with("level", to_string(alert.level)));
  }
  return series;
}

std::vector<RuleStatus> Engine::rules() const {
  std::vector<RuleStatus> statuses;
  for (const RuleRunner& runner : state_->runners) statuses.push_back(runner.status());
  return statuses;
}

std::vector<StateRow> Engine::state() const {
  std::vector<StateRow> rows;
  for (const RuleRunner& runner : state_->runners) runner.save(rows);
  for (const auto& [alert, stored] : state_->removed) rows.push_back({alert.key, encode(alert)});
  return rows;
}

}  // namespace sidewatch
