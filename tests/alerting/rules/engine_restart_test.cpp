// Restarts: kill -9 at any tick, then a new process with the rows that were written.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <set>
#include <sstream>

#include "tests/alerting/rules/engine_world.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view several_rules = R"(
rules:
  - {alert: A, expr: x, warning: {above: 80, clear: 75}, critical: {above: 95, clear: 90}, for: 10s, cooldown: 40s}
  - {alert: B, expr: x, warning: "< 60", keep_firing_for: 15s, cooldown: 30s, no_data: critical, no_data_after: 20s}
  - {alert: C, expr: 2 * x, critical: "> 160", for: {at_least: 3, of: 5}, cooldown: 0s, no_data: ok, no_data_after: 10s}
)";

std::string text_of(const Notification& message) {
  return message.id + " " + std::string(to_string(message.reason)) + " " + message.labels.to_string() + " " +
         std::to_string(message.suppressed) + " " + std::to_string(message.peak) + " " +
         std::to_string(message.duration.count()) + " " + to_rfc3339(message.starts_at);
}

// Three hosts whose values wander; now and then one of them is missing.
World::Values wandering(std::mt19937& dice, std::vector<double>& values) {
  static constexpr double stations[] = {40, 55, 65, 77, 82, 92, 97};
  World::Values delivered;
  for (std::size_t host = 0; host < values.size(); ++host) {
    if (dice() % 4 == 0) values[host] = stations[dice() % std::size(stations)];
    if (dice() % 12 != 0) delivered.push_back({{{"host", std::to_string(host)}}, values[host]});
  }
  return delivered;
}

// The last value seen is not worth a write of its own; everything else of a row is.
std::string durable(const std::map<std::string, std::string>& rows) {
  std::string text;
  for (const auto& [key, blob] : rows) {
    std::istringstream lines(blob);
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("value=") && !line.starts_with("sampled=")) text += line + "\n";
    }
  }
  return text;
}

TEST(EngineRestart, ARestartAtAnyTickChangesNoMessage) {
  World steady(several_rules);
  World killed(several_rules);
  std::mt19937 dice(7);
  std::vector<double> values(3, 50);
  for (int tick = 0; tick < 3000; ++tick) {
    const auto delivered = wandering(dice, values);
    const int seconds = 1 + static_cast<int>(dice() % 5);
    steady.after(seconds, "x", delivered);
    if (dice() % 3 == 0) {
      const RestoreReport report = killed.restart(several_rules, 0);
      ASSERT_THAT(report.problems, IsEmpty());
    }
    killed.after(seconds, "x", delivered);
    ASSERT_EQ(killed.messages.size(), steady.messages.size()) << "tick " << tick;
    ASSERT_EQ(durable(killed.rows), durable(steady.rows)) << "tick " << tick;
  }
  std::set<std::string> ids;
  for (std::size_t i = 0; i < steady.messages.size(); ++i) {
    ASSERT_EQ(text_of(killed.messages[i]), text_of(steady.messages[i]));
    ids.insert(steady.messages[i].id);
  }
  EXPECT_EQ(ids.size(), steady.messages.size()) << "every idempotency key is used once";
  EXPECT_GE(steady.messages.size(), 500U) << "the course must be eventful";
}

constexpr std::string_view one_rule = R"(
rules:
  - {alert: A, expr: x, warning: "> 80", for: 60s, keep_firing_for: 60s, cooldown: 10m, labels: {team: core}}
)";

TEST(EngineRestart, DowntimeIsNoBreachTime) {
  World world(one_rule);
  world.after(5, "x", 85);
  world.after(30, "x", 85);
  world.restart(one_rule, 3600);
  world.after(0, "x", 85);
  world.after(29, "x", 85);
  EXPECT_THAT(world.take_told(), IsEmpty());
  world.after(1, "x", 85);
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 85"));
}

// The rows that a first restart left as they were would be read by the second one against a later sign of life.
TEST(EngineRestart, TheDowntimeBeforeTheLastOneIsNoBreachTimeEither) {
  constexpr std::string_view rules = "rules: [{alert: A, expr: x, warning: '> 80', for: 1m, cooldown: 1m}]";
  World world(rules);
  world.after(5, "x", 90);
  world.restart(rules, 600);
  world.after(5, "x", 90);
  world.restart(rules, 5);
  world.after(5, "x", 90);
  EXPECT_THAT(world.take_told(), IsEmpty());
  for (int tick = 0; tick < 9; ++tick) world.after(5, "x", 90);
  EXPECT_THAT(world.take_told(), IsEmpty());
  for (int tick = 0; tick < 3; ++tick) world.after(5, "x", 90);
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 90"));
}

TEST(EngineRestart, DowntimeIsNoRecoveryTime) {
  World world(one_rule);
  world.after(5, "x", 85);
  world.after(60, "x", 85);
  world.after(5, "x", 50);
  world.after(30, "x", 50);
  world.take_told();
  world.restart(one_rule, 3600);
  world.wait(0);  // no sample yet
  world.after(1, "x", 50);
  world.after(28, "x", 50);
  EXPECT_THAT(world.take_told(), IsEmpty());
  world.after(2, "x", 50);
  EXPECT_THAT(world.take_told(), ElementsAre("resolved ok 50"));
  EXPECT_EQ(world.messages.back().duration, 5s + 30s + 3600s + 31s) << "the incident itself went on";
}

TEST(EngineRestart, TheCooldownRunsOnWhileTheAgentIsDown) {
  World world(one_rule);
  world.after(5, "x", 85);
  world.after(60, "x", 85);
  world.after(5, "x", 50);
  world.after(60, "x", 50);
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 85", "resolved ok 50"));
  world.restart(one_rule, 300);
  world.after(0, "x", 85);
  world.after(60, "x", 85);
  EXPECT_THAT(world.take_told(), IsEmpty()) << "425 s after the first message";
  ASSERT_TRUE(world.engine.next_due());
  EXPECT_EQ(*world.engine.next_due() - world.now, 600s - 425s);
}

TEST(EngineRestart, TheTimelineMayBeginAnywhereElse) {
  World world(one_rule);
  world.after(5, "x", 85);
  world.after(30, "x", 85);
  std::vector<StateRow> rows = world.engine.state();
  World other(one_rule);
  other.now = time_at_ms(5'000'000);  // the clock of the new machine thinks it is 1970
  const Time saved_at = world.now;
  const auto report = other.engine.restore(rows, saved_at, other.now, 10s);
  EXPECT_EQ(report.restored, 1U);
  other.after(0, "x", 85);
  EXPECT_EQ(other.engine.next_due(), other.now + 30s);
  other.after(30, "x", 85);
  EXPECT_THAT(other.take_told(), ElementsAre("fired warning 85"));
  EXPECT_GE(other.messages.back().duration, 0s);
}

TEST(EngineRestart, BrokenRowsAreReportedErasedAndHarmless) {
  World world(one_rule);
  world.after(5, "x", 85);
  world.after(60, "x", 85);
  const std::string key = world.rows.begin()->first;
  world.rows["0000000000000001"] = "garbage";
  world.rows["0000000000000002"] = world.rows[key];
  const RestoreReport report = world.restart(one_rule, 1);
  EXPECT_EQ(report.restored, 1U);
  EXPECT_THAT(report.problems, ElementsAre("row 0000000000000001: the saved alert is cut off",
                                           "row 0000000000000002: it holds another alert"));
  world.after(1, "x", 85);
  EXPECT_EQ(world.rows.size(), 1U);
  EXPECT_TRUE(world.rows.contains(key));
}

TEST(EngineRestart, AnAlertWhoseRuleIsGoneResolvesWithThatReason) {
  World world(one_rule);
  world.after(5, "x", {{{{"host", "a"}}, 85}});
  world.after(60, "x", {{{{"host", "a"}}, 85}});
  const Labels labels = world.messages.back().labels;
  world.take_told();
  EXPECT_EQ(world.restart("rules: []", 10).orphaned, 1U);
  world.wait(0);
  EXPECT_THAT(world.take_told(), ElementsAre("rule_removed ok NaN"));
  EXPECT_EQ(world.messages.back().labels, labels);
  EXPECT_EQ(world.messages.back().annotations.get("summary"), "Resolved: this rule is no longer configured");
  EXPECT_THAT(world.rows, IsEmpty());
}

TEST(EngineRestart, AnEditedRuleIsJudgedAnewOnceThereIsData) {
  constexpr std::string_view edited = R"(
rules:
  - {alert: A, expr: x, warning: "> 70", for: 60s, cooldown: 10m, labels: {team: core}}
)";
  World world(one_rule);
  world.after(5, "x", 85);
  world.after(60, "x", 85);
  world.take_told();
  world.restart(edited, 10);
  world.wait(0);
  world.after(1, "x", 75);
  EXPECT_THAT(world.take_told(), IsEmpty()) << "it fires on";
  world.after(1, "x", 65);
  EXPECT_THAT(world.take_told(), ElementsAre("resolved ok 65"));
}

}  // namespace
}  // namespace sidewatch
