// The engine over a real store: what is told, what is seen from outside, what is written.

#include "alerting/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "tests/alerting/rules/engine_world.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view memory_rule = R"yaml(
rules:
  - alert: MemoryHigh
    expr: memory
    warning: {above: 80, clear: 75}
    critical: {above: 95, clear: 90}
    cooldown: 5m
    labels: {team: "core"}
    summary: "Memory at {{ $value | humanize }}% on {{ $labels.host }} ({{ $level }})"
)yaml";

TEST(Engine, TellsWarningCriticalAndResolvedOnceEach) {
  World world(memory_rule);
  world.after(5, "memory", 50);
  world.after(5, "memory", 85);
  world.after(5, "memory", 86);
  world.after(5, "memory", 97);
  world.after(5, "memory", 85);
  world.after(5, "memory", 60);
  world.after(5, "memory", 50);
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 85", "escalated critical 97", "resolved ok 60"));
}

TEST(Engine, MessagesCarryEverythingAReceiverNeeds) {
  World world(memory_rule);
  world.router = std::vector<std::string>{"oncall", "chat"};
  const World::Values high = {{{{"host", "web-1"}}, 85}};
  world.after(5, "memory", high);
  ASSERT_EQ(world.messages.size(), 2U);
  const Notification first = world.messages[0];
  EXPECT_EQ(first.receiver, "oncall");
  EXPECT_EQ(world.messages[1].receiver, "chat");
  EXPECT_NE(first.id, world.messages[1].id);
  EXPECT_EQ(first.rule, "MemoryHigh");
  EXPECT_EQ(first.labels,
            (Labels{{"alertname", "MemoryHigh"}, {"host", "web-1"}, {"severity", "warning"}, {"team", "core"}}));
  EXPECT_EQ(first.annotations, (Labels{{"summary", "Memory at 85% on web-1 (warning)"}}));
  EXPECT_EQ(first.starts_at, to_wall(world.now, 0ms));
  EXPECT_FALSE(first.ends_at);
  world.after(60, "memory", {{{{"host", "web-1"}}, 94}});
  world.after(60, "memory", {{{{"host", "web-1"}}, 40}});
  ASSERT_EQ(world.messages.size(), 4U);
  const Notification& last = world.messages[2];
  EXPECT_EQ(last.labels, first.labels) << "so that whoever keys by labels resolves the right one";
  EXPECT_EQ(last.incident, first.incident);
  EXPECT_EQ(last.alert_key, first.alert_key);
  EXPECT_EQ(last.value, 40);
  EXPECT_EQ(last.peak, 94);
  EXPECT_EQ(last.worst, Level::warning);
  EXPECT_EQ(last.duration, 120s);
  EXPECT_EQ(last.starts_at, first.starts_at);
  EXPECT_EQ(last.ends_at, to_wall(world.now, 0ms));
  EXPECT_EQ(last.annotations.get("summary"), "Memory at 40% on web-1 (ok)");
}

TEST(Engine, FlappingInTheCooldownIsToldAfterItWithItsCount) {
  World world(memory_rule);
  world.after(5, "memory", 85);
  world.after(5, "memory", 50);
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 85", "resolved ok 50"));
  for (int i = 0; i < 3; ++i) {
    world.after(5, "memory", 85);
    world.after(5, "memory", 50);
  }
  world.after(5, "memory", 88);
  EXPECT_THAT(world.take_told(), IsEmpty());
  const auto due = world.engine.next_due();
  ASSERT_TRUE(due);
  world.deliver("memory", {{{}, 88}});
  world.now = *due - 1ms;
  world.tick();
  EXPECT_THAT(world.take_told(), IsEmpty());
  world.now = *due;
  world.tick();
  EXPECT_THAT(world.take_told(), ElementsAre("repeated warning 88"));
  EXPECT_EQ(world.messages.back().suppressed, 4);
  EXPECT_FALSE(world.engine.next_due());
}

TEST(Engine, EveryEntityIsAnAlertOfItsOwn) {
  World world(memory_rule);
  world.after(5, "memory", {{{{"host", "a"}}, 85}, {{{"host", "b"}}, 50}, {{{"host", "c"}}, 97}});
  const auto views = world.engine.alerts(0ms);
  ASSERT_EQ(views.size(), 2U);
  EXPECT_EQ(views[0].labels.get("host"), "a");
  EXPECT_EQ(views[0].level, Level::warning);
  EXPECT_EQ(views[1].labels.get("host"), "c");
  EXPECT_EQ(views[1].level, Level::critical);
  std::set<std::string> ids;
  for (const auto& message : world.messages) ids.insert(message.id);
  EXPECT_EQ(ids.size(), world.messages.size());
}

TEST(Engine, AVanishedSeriesKeepsItsAlertAndIsUnknown) {
  World world(memory_rule);
  world.after(5, "memory", {{{{"host", "a"}}, 85}, {{{"host", "b"}}, 50}});
  world.take_told();
  world.after(5, "memory", {{{{"host", "b"}}, 50}});
  world.wait(24 * 3600);
  EXPECT_THAT(world.take_told(), IsEmpty());
  const auto views = world.engine.alerts(0ms);
  ASSERT_EQ(views.size(), 1U);
  EXPECT_TRUE(views[0].firing);
  EXPECT_TRUE(views[0].unknown);
  world.after(5, "memory", {{{{"host", "a"}}, 60}});
  EXPECT_THAT(world.take_told(), ElementsAre("resolved ok 60"));
}

constexpr std::string_view heartbeat_rule = R"(
rules:
  - alert: Heartbeat
    expr: beats
    warning: "< 1"
    no_data: critical
    no_data_after: 30s
)";

TEST(Engine, MissingDataOfOneEntityFiresForThatEntity) {
  World world(heartbeat_rule);
  world.after(5, "beats", {{{{"host", "a"}}, 5}, {{{"host", "b"}}, 5}});
  world.after(5, "beats", {{{{"host", "b"}}, 5}});
  EXPECT_EQ(world.engine.next_due(), world.now + 30s);
  world.after(29, "beats", {{{{"host", "b"}}, 5}});
  EXPECT_THAT(world.take_told(), IsEmpty());
  world.after(1, "beats", {{{{"host", "b"}}, 5}});
  EXPECT_THAT(world.take_told(), ElementsAre("fired critical NaN"));
  EXPECT_EQ(world.messages.back().labels.get("host"), "a");
  world.after(5, "beats", {{{{"host", "a"}}, 7}, {{{"host", "b"}}, 5}});
  EXPECT_THAT(world.take_told(), ElementsAre("resolved ok 7"));
}

TEST(Engine, ARuleThatNeverSawDataFiresForItselfUntilThereIsSome) {
  World world(heartbeat_rule);
  world.wait(0);
  world.wait(30);
  EXPECT_THAT(world.take_told(), ElementsAre("fired critical NaN"));
  EXPECT_EQ(world.messages.back().labels, (Labels{{"alertname", "Heartbeat"}, {"severity", "critical"}}));
  world.after(5, "beats", {{{{"host", "a"}}, 5}});
  EXPECT_THAT(world.take_told(), ElementsAre("resolved ok NaN"));
}

TEST(Engine, WhatEndsForWantOfDataIsSaidInTheWordsOfItsLastValue) {
  World world(R"(
rules:
  - alert: Memory
    expr: memory
    warning: "> 80"
    no_data: ok
    no_data_after: 30s
    summary: "{{ $value }} % of {{ $labels.host }} in use"
)");
  world.after(5, "memory", {{{{"host", "a"}}, 85}});
  world.after(5, "memory", {{{{"host", "a"}}, 91}});
  world.after(5, "memory", World::Values{});
  world.wait(40);
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 85", "resolved ok NaN"));
  EXPECT_EQ(world.messages.back().annotations.get("summary"), "91 % of a in use");
}

TEST(Engine, NanIsNoData) {
  World world(memory_rule);
  world.after(5, "memory", 85);
  world.after(5, "memory", std::numeric_limits<double>::quiet_NaN());
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 85"));
  EXPECT_TRUE(world.engine.alerts(0ms).at(0).unknown);
}

TEST(Engine, AFailedEvaluationIsCountedAndKeepsTheAlerts) {
  World world(R"(
rules:
  - alert: Any
    expr: '{__name__=~"a|b"}'
    warning: "> 1"
)");
  world.after(5, "a", 2);
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 2"));
  const TickResult result = world.after(5, "b", 0);
  EXPECT_EQ(result.rules_failed, 1U);
  EXPECT_EQ(world.engine.rules().at(0).last_error, "the expression gives two values for {}");
  EXPECT_EQ(world.engine.rules().at(0).failures, 1U);
  EXPECT_TRUE(world.engine.alerts(0ms).at(0).unknown);
  EXPECT_THAT(world.take_told(), IsEmpty());
  world.after(5, "b", World::Values{});
  EXPECT_EQ(world.engine.rules().at(0).last_error, "");
  EXPECT_FALSE(world.engine.alerts(0ms).at(0).unknown);
}

TEST(Engine, AlertsOfARuleAreBounded) {
  Engine::Limits limits;
  limits.max_alerts_per_rule = 3;
  World world(memory_rule, limits);
  World::Values values;
  for (int i = 0; i < 10; ++i) values.push_back({{{"host", std::to_string(i)}}, 85});
  EXPECT_EQ(world.after(5, "memory", values).alerts_refused, 7U);
  EXPECT_EQ(world.engine.alerts(0ms).size(), 3U);
  EXPECT_EQ(world.engine.rules().at(0).refused, 7U);
}

TEST(Engine, CountsSamplesAndNotTicks) {
  World world(R"(
rules:
  - {alert: Slow, expr: latency * 2, warning: "> 10", for: {at_least: 2, of: 3}}
)");
  world.after(5, "latency", 9);
  for (int i = 0; i < 10; ++i) world.after(1, "something_else", i);
  EXPECT_THAT(world.take_told(), IsEmpty());
  world.after(5, "latency", 9);
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 18"));
}

TEST(Engine, WritesRowsOnlyWhenSomethingChanged) {
  World world(memory_rule);
  EXPECT_THAT(world.after(5, "memory", 50).rows, IsEmpty());
  EXPECT_EQ(world.after(5, "memory", 85).rows.size(), 1U);
  EXPECT_THAT(world.after(5, "memory", 84).rows, IsEmpty());
  EXPECT_THAT(world.after(5, "memory", 83).rows, IsEmpty());
  EXPECT_EQ(world.after(5, "memory", 50).rows.size(), 1U);
  EXPECT_EQ(world.rows.size(), 1U) << "the cooldown is remembered";
  world.after(300, "memory", 50);
  EXPECT_THAT(world.rows, IsEmpty());
  EXPECT_THAT(world.after(5, "memory", 50).rows, IsEmpty());
}

TEST(Engine, AWallClockThatIsSetChangesNothingButTheDates) {
  World world(memory_rule);
  world.after(5, "memory", 85);
  const WallTime started = world.messages.back().starts_at;
  for (const Duration step : {Duration(1h), Duration(-1h), Duration(87600h), Duration(-490000h)}) {
    world.wall_step = step;
    world.after(5, "memory", 85);
    EXPECT_THAT(world.messages.size(), 1U);
  }
  world.wall_step = 1h;
  world.after(5, "memory", 50);
  EXPECT_EQ(world.messages.back().starts_at, started);
  EXPECT_EQ(world.messages.back().duration, 25s);
  EXPECT_EQ(world.messages.back().ends_at, started + 1h + 25s);
}

TEST(Engine, ALateTickIsOneTick) {
  World world(R"(
rules:
  - {alert: A, expr: x, warning: "> 1", for: 30s}
)");
  world.after(5, "x", 2);
  world.after(60, "x", 2);  // stopped for a minute
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 2"));
}

TEST(Engine, ProblemsWaitForAReceiver) {
  World world(memory_rule);
  world.router = {};
  const TickResult result = world.after(5, "memory", 85);
  ASSERT_EQ(result.events.size(), 1U);
  EXPECT_EQ(result.events[0].suppressed, Suppression::no_receiver);
  EXPECT_FALSE(world.engine.next_due());
  world.router = std::vector<std::string>{"oncall"};
  world.after(5, "memory", 85);
  EXPECT_THAT(world.take_told(), ElementsAre("repeated warning 85"));
}

TEST(Engine, ShowsPendingAndFiringAlertsAsSeries) {
  World world(R"(
rules:
  - {alert: A, expr: x, warning: "> 1", for: 30s, labels: {team: "{{ $labels.host }}-team"}}
)");
  world.after(5, "x", {{{{"host", "a"}}, 2}});
  EXPECT_THAT(world.engine.alert_series(),
              ElementsAre(Labels{{"alertname", "A"}, {"alertstate", "pending"}, {"host", "a"}, {"level", "warning"},
                                 {"severity", "warning"}, {"team", "a-team"}}));
  world.after(30, "x", {{{{"host", "a"}}, 2}});
  EXPECT_EQ(world.engine.alert_series().at(0).get("alertstate"), "firing");
  world.after(5, "x", {{{{"host", "a"}}, 0}});
  EXPECT_THAT(world.engine.alert_series(), IsEmpty());
}

TEST(Engine, JudgesAScalarToo) {
  World world("rules: [{alert: Clock, expr: time() - 1772366400, warning: '> 60'}]");
  world.wait(60);
  EXPECT_THAT(world.take_told(), IsEmpty());
  world.wait(1);
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 61"));
}

TEST(Engine, AFailedCollectorRaisesAnAlertOfItsOwn) {
  World world("rules: []");
  std::vector<RuleGroup> rules;
  add_unless_named(rules, {builtin_group()});
  world.engine.replace_rules(std::move(rules));
  const std::string metric = "sidewatch_collector_success";
  world.after(5, metric, {{{{"collector", "redis"}}, 1}, {{{"collector", "host"}}, 1}});
  world.after(5, metric, {{{{"collector", "redis"}}, 0}, {{{"collector", "host"}}, 1}});
  EXPECT_THAT(world.take_told(), IsEmpty()) << "one failed pass alone";
  world.after(5, metric, {{{{"collector", "redis"}}, 0}, {{{"collector", "host"}}, 1}});
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 0"));
  EXPECT_EQ(world.messages.back().annotations.get("summary"), "Collector redis is failing");
  world.after(5, metric, {{{{"collector", "redis"}}, 1}, {{{"collector", "host"}}, 1}});
  EXPECT_THAT(world.take_told(), ElementsAre("resolved ok 1"));
}

TEST(Engine, SeriesForWhichThereIsNoRoomRaiseAnAlert) {
  World world("rules: []");
  std::vector<RuleGroup> rules;
  add_unless_named(rules, {builtin_group()});
  world.engine.replace_rules(std::move(rules));
  const std::string metric = "sidewatch_series_overflowed_total";
  for (int i = 0; i < 3; ++i) world.after(5, metric, {{{}, 7}});
  EXPECT_THAT(world.take_told(), IsEmpty()) << "long ago";
  world.after(5, metric, {{{}, 8}});
  EXPECT_EQ(world.take_told().size(), 1U);
  EXPECT_EQ(world.messages.back().annotations.get("summary"), "Series are left out for want of room");
  for (int i = 0; i < 125; ++i) world.after(5, metric, {{{}, 8}});
  EXPECT_THAT(world.take_told(), ElementsAre("resolved ok 0"));
}

TEST(Engine, AHistoryThatTheDiskRefusesRaisesAnAlert) {
  World world("rules: []");
  std::vector<RuleGroup> rules;
  add_unless_named(rules, {builtin_group()});
  world.engine.replace_rules(std::move(rules));
  const std::string metric = "sidewatch_history_on_disk";
  world.after(5, metric, {{{}, 1}});
  for (int i = 0; i <= 11; ++i) world.after(5, metric, {{{}, 0}});
  EXPECT_THAT(world.take_told(), IsEmpty()) << "not yet a minute";
  world.after(5, metric, {{{}, 0}});
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 0"));
  EXPECT_EQ(world.messages.back().annotations.get("summary"), "Samples are kept in memory only");
  world.after(5, metric, {{{}, 1}});
  EXPECT_THAT(world.take_told(), ElementsAre("resolved ok 1"));
}

TEST(Engine, AConfiguredRuleReplacesTheBuiltInOneOfItsName) {
  auto groups = rules_of("rules: [{alert: CollectorFailing, expr: sidewatch_collector_success, critical: '== 0'}]");
  add_unless_named(groups, {builtin_group()});
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_FALSE(std::get<Rule>(groups[0].rules.at(0)).policy.warning);
  EXPECT_EQ(groups[1].file, builtin_file);
  for (const AnyRule& rule : groups[1].rules) EXPECT_NE(name_of(rule), "CollectorFailing");
}

}  // namespace
}  // namespace sidewatch
