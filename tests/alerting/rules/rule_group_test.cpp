// Groups: recording rules, order, intervals, identities, what is seen of them from outside.

#include "alerting/rule_group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alerting/rule_file.h"
#include "tests/alerting/rules/engine_world.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string recording = R"(
groups:
  - name: g
    labels: {origin: group}
    rules:
      - {record: "job:load:sum", expr: sum by (job) (load)}
      - {record: "load:double", expr: "job:load:sum * 2", labels: {kind: double, job: ""}}
      - {alert: High, expr: "load:double > 10"}
)";

TEST(Recording, WritesSeriesThatLaterRulesSeeInTheSameTick) {
  World world(file_rules_of(recording));
  world.after(5, "load", {{{{"job", "a"}, {"host", "1"}}, 4}, {{{"job", "a"}, {"host", "2"}}, 3}});
  EXPECT_EQ(world.value_of("job:load:sum", {{"job", "a"}, {"origin", "group"}}), 7);
  EXPECT_EQ(world.value_of("load:double", {{"kind", "double"}, {"origin", "group"}}), 14);
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 14"));
}

TEST(Recording, ASeriesThatIsNoLongerGivenGoesStale) {
  World world(file_rules_of("groups: [{name: g, rules: [{record: r, expr: 'load > 5'}]}]"));
  world.after(5, "load", {{{{"host", "1"}}, 7}, {{{"host", "2"}}, 8}});
  EXPECT_EQ(world.value_of("r", {{"host", "1"}}), 7);
  world.after(5, "load", {{{{"host", "1"}}, 2}, {{{"host", "2"}}, 9}});
  EXPECT_EQ(world.value_of("r", {{"host", "1"}}), std::nullopt);
  EXPECT_EQ(world.value_of("r", {{"host", "2"}}), 9);
}

TEST(Recording, TwoSeriesWithTheSameLabelsAreAnErrorAndWriteNothing) {
  World world(file_rules_of("groups: [{name: g, rules: [{record: r, expr: load, labels: {host: same}}]}]"));
  world.after(5, "load", {{{{"host", "1"}}, 7}});
  EXPECT_EQ(world.value_of("r", {{"host", "same"}}), 7);
  const auto result = world.after(5, "load", {{{{"host", "1"}}, 7}, {{{"host", "2"}}, 8}});
  EXPECT_EQ(result.rules_failed, 1U);
  EXPECT_EQ(world.engine.rules().at(0).last_error,
            "vector contains metrics with the same labelset after applying rule labels");
  EXPECT_EQ(world.value_of("r", {{"host", "same"}}), std::nullopt);
  world.after(5, "load", {{{{"host", "2"}}, 8}});
  EXPECT_EQ(world.value_of("r", {{"host", "same"}}), 8);
}

TEST(Recording, IsBoundedByTheGroupsLimitAndTheBudgetOfSeries) {
  World world(file_rules_of("groups: [{name: g, limit: 1, rules: [{record: r, expr: load}]}]"));
  world.after(5, "load", {{{{"host", "1"}}, 7}, {{{"host", "2"}}, 8}});
  EXPECT_EQ(world.engine.rules().at(0).last_error, "exceeded limit of 1 with 2 series");

  Catalog small({3, 3, 32, 256}, {});
  Store store(small, {});
  Engine engine(file_rules_of("groups: [{name: g, rules: [{record: r, expr: load}]}]"), {});
  Batch batch;
  std::vector<SeriesHandle> handles;
  for (const char* host : {"1", "2"}) {
    handles.push_back(small.series({"load", MetricType::gauge, "", ""}, {{"host", host}}));
    batch.add(handles.back(), 1);
  }
  store.append(store.add_source("load"), time_at_ms(1000), batch);
  (void)engine.tick(store, time_at_ms(1000), 0ms, {});
  EXPECT_GE(small.overflowed(), 1U);
}

TEST(Recording, GoesOnOverAReloadAndEndsWithItsRule) {
  World world(file_rules_of(recording));
  const World::Values values = {{{{"job", "a"}}, 4}};
  world.after(5, "load", values);
  world.engine.replace_rules(file_rules_of(recording));
  EXPECT_EQ(world.value_of("job:load:sum", {{"job", "a"}, {"origin", "group"}}), 4) << "no gap between the two";
  world.after(5, "load", values);
  EXPECT_EQ(world.value_of("job:load:sum", {{"job", "a"}, {"origin", "group"}}), 4);
  world.engine.replace_rules({});
  world.after(5, "load", values);
  EXPECT_EQ(world.value_of("job:load:sum", {{"job", "a"}, {"origin", "group"}}), std::nullopt);
}

TEST(Recording, StandsInTheConfigurationToo) {
  World world("rules: [{record: load_doubled, expr: load * 2}, {alert: High, expr: load_doubled, warning: '> 10'}]");
  world.after(5, "load", 6);
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 12"));
  world.after(5, "load", 1);
  EXPECT_THAT(world.take_told(), ElementsAre("resolved ok 2"));
}

TEST(RuleGroup, IsEvaluatedAtItsInterval) {
  World world(file_rules_of("groups: [{name: g, interval: 30s, rules: [{record: r, expr: load}]}]"));
  world.after(5, "load", 1);
  EXPECT_EQ(world.value_of("r"), 1);
  EXPECT_EQ(world.engine.next_due(), world.now + 30s);
  world.after(29, "load", 2);
  EXPECT_EQ(world.value_of("r"), 1);
  world.after(1, "load", 3);
  EXPECT_EQ(world.value_of("r"), 3);
  world.after(65, "load", 4);  // late, by more than a round
  EXPECT_EQ(world.value_of("r"), 4);
  EXPECT_EQ(world.engine.next_due(), world.now + 25s) << "the rhythm stays";
  world.engine.replace_rules(file_rules_of("groups: [{name: g, interval: 30s, rules: [{record: r, expr: load + 1}]}]"));
  EXPECT_EQ(world.engine.next_due(), world.now + 25s) << "also over a reload";
}

TEST(RuleGroup, LooksBackByItsQueryOffset) {
  World world(file_rules_of("groups: [{name: g, query_offset: 10s, rules: [{record: r, expr: load}]}]"));
  world.after(5, "load", 1);
  world.after(10, "load", 2);
  EXPECT_EQ(world.value_of("r"), 1);
}

TEST(RuleGroup, GivesRulesOfOneNameIdentitiesOfTheirOwn) {
  const std::string yaml = R"(
groups:
  - name: g
    rules:
      - {alert: High, expr: load > 5, labels: {severity: warning}}
      - {alert: High, expr: load > 9, labels: {severity: critical}}
  - name: h
    rules: [{alert: High, expr: load > 7}]
)";
  const auto groups = file_rules_of(yaml, "/etc/sidewatch/rules/load.yml");
  std::vector<std::string> identities;
  for (const auto& group : groups) {
    for (const auto& rule : group.rules) identities.push_back(std::get<Rule>(rule).identity());
  }
  EXPECT_THAT(identities, ElementsAre("load.yml;g;High", "load.yml;g;High;2", "load.yml;h;High"));

  World world(file_rules_of(yaml));
  world.after(5, "load", 10);
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 10", "fired critical 10", "fired warning 10"));
  world.restart(file_rules_of(yaml), 5);
  world.after(5, "load", 8);
  EXPECT_THAT(world.take_told(), ElementsAre("resolved ok NaN")) << "each goes on as itself";
  EXPECT_EQ(world.messages.back().labels.get("severity"), "critical");
  EXPECT_EQ(world.messages.back().rule, "High");
}

TEST(RuleGroup, ShowsItsRulesAsTheyAre) {
  World world(file_rules_of(R"(
groups:
  - name: g
    interval: 10s
    rules:
      - {record: r, expr: load * 2, labels: {kind: x}}
      - {alert: High, expr: load > 5, for: 1m, keep_firing_for: 2m, labels: {severity: page}, annotations: {summary: "{{ $value }}"}}
      - {alert: Broken, expr: load + on() group_left() other}
)"));
  auto group = world.engine.groups(0ms).at(0);
  EXPECT_EQ(group.name, "g");
  EXPECT_EQ(group.file, "rules.yml");
  EXPECT_EQ(group.interval, 10s);
  EXPECT_EQ(group.rules.at(0).health, RuleHealth::unknown);
  world.deliver("other", {{{{"a", "1"}}, 1}, {{{"a", "2"}}, 1}});
  world.after(5, "load", 7);
  group = world.engine.groups(0ms).at(0);
  EXPECT_EQ(group.rules.at(0).rule->kind, RuleDescription::Kind::recording);
  EXPECT_EQ(group.rules.at(0).rule->labels.to_string(), "{kind=\"x\"}");
  EXPECT_EQ(group.rules.at(0).health, RuleHealth::ok);
  const RuleView& high = group.rules.at(1);
  EXPECT_EQ(high.rule->query, "load > 5");
  EXPECT_EQ(high.rule->duration, 1min);
  EXPECT_EQ(high.rule->keep_firing_for, 2min);
  EXPECT_EQ(high.rule->annotations.get("summary"), "{{ $value }}");
  EXPECT_EQ(high.state, RuleState::pending);
  ASSERT_EQ(high.alerts.size(), 1U);
  EXPECT_EQ(high.alerts[0].annotations.get("summary"), "7");
  EXPECT_EQ(high.last_evaluation, to_wall(world.now, 0ms));
  EXPECT_EQ(group.rules.at(2).health, RuleHealth::err);
  EXPECT_NE(group.rules.at(2).last_error, "");
}

TEST(RuleFile, HoldsRulesWithLevelsAsWell) {
  World world(file_rules_of(R"(
groups:
  - name: ours
    rules:
      - alert: LoadHigh
        expr: load
        warning: {above: 5, clear: 4}
        critical: "> 9"
        summary: "load is {{ $value }}"
)"));
  world.after(5, "load", 7);
  world.after(5, "load", 10);
  world.after(5, "load", 3);
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 7", "escalated critical 10", "resolved ok 3"));
  EXPECT_EQ(world.messages.back().annotations.get("summary"), "load is 3");
}

TEST(RuleFile, LeavesDollarBracesAsTheyAre) {
  const auto groups = file_rules_of(R"(groups: [{name: g, rules: [{alert: A, expr: x > 1, annotations: {s: "${HOME}"}}]}])");
  EXPECT_EQ(std::get<Rule>(groups.at(0).rules.at(0)).annotations.at(0).second.text(), "${HOME}");
}

}  // namespace
}  // namespace sidewatch
