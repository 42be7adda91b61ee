// See engine_world.h.

#include "tests/alerting/rules/engine_world.h"

#include <gtest/gtest.h>

#include "alerting/rule_file.h"
#include "alerting/template/value.h"
#include "config/document.h"

namespace sidewatch {

std::vector<RuleGroup> rules_of(std::string_view yaml) {
  config::Problems problems;
  std::vector<RuleGroup> rules;
  auto document = config::Document::parse(
      "rules.yaml", std::string(yaml), [](const auto&) { return std::nullopt; }, problems);
  document.visit([&](config::Section& top) { configure_rules(top, rules); });
  EXPECT_EQ(problems.text(), "");
  if (!problems.empty()) rules.clear();
  return rules;
}

std::vector<Rule> alerting_rules_of(std::string_view yaml) {
  std::vector<Rule> rules;
  for (const RuleGroup& group : rules_of(yaml)) {
    for (const AnyRule& any : group.rules) {
      if (const auto* rule = std::get_if<Rule>(&any)) rules.push_back(*rule);
    }
  }
  return rules;
}

std::vector<RuleGroup> file_rules_of(const std::string& yaml, const std::string& name) {
  config::Problems problems;
  auto groups = parse_rule_file(name, yaml, problems);
  identify(groups);
  EXPECT_EQ(problems.text(), "");
  return problems.empty() ? groups : std::vector<RuleGroup>{};
}

World::World(std::vector<RuleGroup> groups, Engine::Limits given) : limits(given), engine(std::move(groups), given) {}

std::optional<double> World::value_of(const std::string& metric, const Labels& labels) const {
  for (const SeriesValue& series : store.snapshot()) {
    if (series.info->family->name == metric && series.info->labels == labels) return series.last.value;
  }
  return std::nullopt;
}

void World::deliver(const std::string& metric, const Values& values) {
  auto [source, is_new] = sources_.try_emplace(metric);
  if (is_new) source->second.id = store.add_source(metric);
  Batch batch;
  for (const auto& [labels, value] : values) {
    auto& handle = source->second.series[labels.to_string()];
    if (!handle) handle = catalog.series(Metric{source->first, MetricType::gauge, "", "of the world"}, labels);
    batch.add(handle, value);
  }
  store.append(source->second.id, now, batch);
}

TickResult World::tick() {
  TickResult result = engine.tick(store, now, wall_step, router);
  for (const StateRow& row : result.rows) {
    if (row.blob.empty()) rows.erase(row.key);
    else rows[row.key] = row.blob;
  }
  messages.insert(messages.end(), result.notifications.begin(), result.notifications.end());
  return result;
}

TickResult World::after(int seconds, const std::string& metric, const Values& values) {
  now += std::chrono::seconds(seconds);
  deliver(metric, values);
  return tick();
}

TickResult World::wait(int seconds) {
  now += std::chrono::seconds(seconds);
  return tick();
}

RestoreReport World::restart(std::vector<RuleGroup> groups, int down_seconds) {
  const Time saved_at = now;
  const Duration downtime = std::chrono::seconds(down_seconds);
  now += downtime;
  engine = Engine(std::move(groups), limits);
  std::vector<StateRow> saved;
  for (const auto& [key, blob] : rows) saved.push_back({key, blob});
  return engine.restore(saved, saved_at, now, downtime);
}

std::vector<std::string> World::take_told() {
  std::vector<std::string> told;
  for (; told_ < messages.size(); ++told_) {
    const Notification& message = messages[told_];
    told.push_back(std::string(to_string(message.reason)) + " " + std::string(to_string(message.level)) + " " +
                   number_as_plain(message.value));
  }
  return told;
}

}  // namespace sidewatch
