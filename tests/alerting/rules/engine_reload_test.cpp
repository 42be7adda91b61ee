// Reloads: what stays, what is judged anew, what ends.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/alerting/rules/engine_world.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view original = R"(
rules:
  - {alert: A, expr: x, warning: "> 80", for: 60s, cooldown: 10m, summary: "old words"}
)";

void reload(World& world, std::string_view rules) { world.engine.replace_rules(rules_of(rules)); }

TEST(EngineReload, ARuleThatMeansTheSameKeepsItsState) {
  World world(original);
  world.after(5, "x", 85);
  world.after(50, "x", 85);
  reload(world, R"(
rules:
  - {alert: New, expr: y, warning: "> 1"}
  - {alert: A, expr: x, warning: "> 80", for: 60s, cooldown: 1m, labels: {team: core}, summary: "new words"}
)");
  world.after(10, "x", 85);
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 85"));
  EXPECT_EQ(world.messages.back().annotations.get("summary"), "new words");
  EXPECT_EQ(world.messages.back().labels.get("team"), "core");
}

TEST(EngineReload, AChangedThresholdIsJudgedAnewWithoutAMessage) {
  World world(original);
  world.after(5, "x", 85);
  world.after(60, "x", 85);
  world.take_told();
  reload(world, "rules: [{alert: A, expr: x, warning: '> 70', for: 60s, cooldown: 10m}]");
  world.after(5, "x", 75);
  EXPECT_THAT(world.take_told(), IsEmpty());
  EXPECT_EQ(world.engine.alerts(0ms).size(), 1U);
  reload(world, "rules: [{alert: A, expr: x, warning: '> 90', for: 60s, cooldown: 10m}]");
  world.after(5, "x", 75);
  EXPECT_THAT(world.take_told(), ElementsAre("resolved ok 75"));
}

TEST(EngineReload, AChangedDelayBeginsAnew) {
  World world(original);
  world.after(5, "x", 85);
  world.after(50, "x", 85);
  reload(world, "rules: [{alert: A, expr: x, warning: '> 80', for: 55s, cooldown: 10m}]");
  world.after(10, "x", 85);
  world.after(54, "x", 85);
  EXPECT_THAT(world.take_told(), IsEmpty());
  world.after(1, "x", 85);
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 85"));
}

TEST(EngineReload, AChangedRuleKeepsItsCooldown) {
  World world(original);
  world.after(5, "x", 85);
  world.after(60, "x", 85);
  world.after(5, "x", 50);
  world.take_told();
  reload(world, "rules: [{alert: A, expr: x, warning: '> 70', cooldown: 10m}]");
  world.after(5, "x", 75);
  EXPECT_THAT(world.take_told(), IsEmpty());
  EXPECT_EQ(world.engine.alerts(0ms).at(0).suppressed, 1);
}

TEST(EngineReload, ARemovedRulesAlertsResolveWithThatReason) {
  World world(original);
  world.after(5, "x", {{{{"host", "a"}}, 85}, {{{"host", "b"}}, 50}});
  world.after(60, "x", {{{{"host", "a"}}, 85}, {{{"host", "b"}}, 85}});  // a fires, b is pending
  world.take_told();
  reload(world, "rules: []");
  EXPECT_EQ(world.engine.state().size(), 2U) << "nothing is lost if the process dies before the next tick";
  world.after(5, "x", {{{{"host", "a"}}, 85}});
  EXPECT_THAT(world.take_told(), ElementsAre("rule_removed ok NaN"));
  EXPECT_THAT(world.rows, IsEmpty());
}

TEST(EngineReload, WhatAChangedExpressionNoLongerYieldsEndsOnceItsDataStaysAway) {
  World world(original);
  world.after(5, "x", {{{{"host", "a"}}, 85}});
  world.after(60, "x", {{{{"host", "a"}}, 85}});
  world.take_told();
  reload(world, "rules: [{alert: A, expr: sum(x), warning: '> 100', no_data_after: 30s, cooldown: 10m}]");
  world.after(5, "x", {{{{"host", "a"}}, 85}});
  EXPECT_THAT(world.take_told(), IsEmpty());
  ASSERT_TRUE(world.engine.next_due());
  EXPECT_EQ(*world.engine.next_due(), world.now + 30s);
  world.wait(30);
  EXPECT_THAT(world.take_told(), ElementsAre("rule_removed ok NaN"));
  world.wait(600);
  EXPECT_THAT(world.rows, IsEmpty());
}

TEST(EngineReload, AChangedRuleWhoseSourceIsDownEndsNoAlert) {
  World world(original);
  world.after(5, "x", 85);
  world.after(60, "x", 85);
  world.take_told();
  reload(world, "rules: [{alert: A, expr: x, warning: '> 82', for: 60s, no_data_after: 30s, cooldown: 10m}]");
  world.after(5, "x", World::Values{});
  world.wait(600);
  EXPECT_THAT(world.take_told(), IsEmpty()) << "no data never resolves an alert";
  EXPECT_EQ(world.engine.next_due(), std::nullopt) << "nothing to wake up for";
  world.after(5, "x", 50);
  EXPECT_THAT(world.take_told(), ElementsAre("resolved ok 50"));
}

TEST(EngineReload, ARuleThatIsBackBeforeTheNextTickHasNeverBeenAway) {
  World world(original);
  world.after(5, "x", 85);
  world.after(60, "x", 85);
  world.take_told();
  reload(world, "rules: []");  // an editor had written half of the file
  reload(world, original);
  world.after(5, "x", 85);
  EXPECT_THAT(world.take_told(), IsEmpty());
  world.after(5, "x", 50);
  EXPECT_THAT(world.take_told(), ElementsAre("resolved ok 50"));
}

}  // namespace
}  // namespace sidewatch
