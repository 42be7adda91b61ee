// Many entities, and ones that come and go: what is remembered is bounded, and what is remembered gives way to problems.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/alerting/rules/engine_world.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

World::Values entities(int first, int count, double value) {
  World::Values values;
  for (int i = first; i < first + count; ++i) values.push_back({{{"pod", std::to_string(i)}}, value});
  return values;
}

TEST(EngineLimits, WhatIsOverGivesWayToANewProblem) {
  World world("rules: [{alert: A, expr: x, warning: '> 80', cooldown: 1h}]", {.max_alerts_per_rule = 3, .query = {}});
  world.after(5, "x", entities(0, 3, 85));
  world.after(5, "x", entities(0, 3, 50));
  world.take_told();
  const TickResult result = world.after(5, "x", entities(10, 1, 99));
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 99")) << "three cooldowns must not keep it quiet";
  EXPECT_EQ(result.alerts_refused, 0U);
  EXPECT_EQ(world.rows.size(), 3U) << "the row of the forgotten one is erased";
}

TEST(EngineLimits, TheOneThatHasBeenSilentLongestIsForgottenFirst) {
  World world("rules: [{alert: A, expr: x, warning: '> 80', cooldown: 1h}]", {.max_alerts_per_rule = 2, .query = {}});
  world.after(5, "x", entities(0, 1, 85));
  world.after(5, "x", entities(1, 1, 85));
  world.after(5, "x", entities(0, 2, 50));
  world.after(5, "x", entities(2, 1, 85));
  world.take_told();
  world.after(5, "x", {{{{"pod", "1"}}, 90}, {{{"pod", "2"}}, 85}});
  EXPECT_THAT(world.take_told(), IsEmpty()) << "the cooldown of 1 is still known";
}

TEST(EngineLimits, WhatFiresOrWaitsIsNeverForgotten) {
  World world("rules: [{alert: A, expr: x, warning: '> 80', for: 1m, cooldown: 1h}]",
              {.max_alerts_per_rule = 2, .query = {}});
  world.after(5, "x", entities(0, 1, 85));
  world.after(60, "x", entities(0, 2, 85));  // 0 fires, 1 is pending
  const TickResult result = world.after(5, "x", entities(0, 3, 85));
  EXPECT_EQ(result.alerts_refused, 1U);
  EXPECT_EQ(world.engine.alerts(0ms).size(), 2U);
}

TEST(EngineLimits, AProblemIsHeardThoughHealthyOnesAreWatchedForTheirData) {
  World world("rules: [{alert: A, expr: x, warning: '> 80', no_data: critical}]",
              {.max_alerts_per_rule = 3, .query = {}});
  world.after(5, "x", entities(0, 10, 50));
  world.after(5, "x", [] {
    auto values = entities(0, 9, 50);
    values.push_back({{{"pod", "9"}}, 90});
    return values;
  }());
  EXPECT_THAT(world.take_told(), ElementsAre("fired warning 90"));
}

// An hour of a crowd that is another one each minute: as of jobs that start, use too much memory, and end.
constexpr int crowd = 2'000;
constexpr std::size_t most_alerts = 200;

void live_through_an_hour(const std::string& rule) {
  Catalog catalog{Catalog::Limits{.max_series = 50'000, .max_series_per_metric = 50'000}, Labels{}};
  Store store{catalog, Store::Limits{.retention = 2min}};
  Engine engine(rules_of(rule), {.max_alerts_per_rule = most_alerts, .query = {}});
  const SourceId source = store.add_source("jobs");
  const std::vector<std::string> receivers = {"oncall"};
  const Metric metric{"x", MetricType::gauge, "", "of a job"};
  Time now = time_at_ms(1'772'366'400'000);
  std::set<std::string> rows;
  const auto tick = [&] {
    const TickResult result = engine.tick(store, now, 0ms, receivers);
    for (const auto& row : result.rows) row.blob.empty() ? rows.erase(row.key) : rows.insert(row.key).second;
  };
  for (int minute = 0; minute < 60; ++minute) {
    std::vector<SeriesHandle> handles;
    Batch batch;
    for (int i = 0; i < crowd; ++i) {
      handles.push_back(catalog.series(metric, {{"job", std::to_string(minute) + "-" + std::to_string(i)}}));
      batch.add(handles.back(), 85);
    }
    store.append(source, now, batch);
    tick();
    now += 30s;
    store.append(source, now, Batch());
    tick();
    now += 30s;
    store.expire(now);
    ASSERT_LE(engine.state().size(), most_alerts) << "minute " << minute;
    ASSERT_LE(rows.size(), most_alerts) << "minute " << minute;
  }
  now += 25h;  // nothing is remembered for ever
  tick();
  now += 1s;
  tick();
  EXPECT_LE(rows.size(), most_alerts);
}

TEST(EngineLimits, ACrowdThatChangesEveryMinuteDoesNotGrow) {
  live_through_an_hour("rules: [{alert: A, expr: x, warning: '> 80', cooldown: 1h, no_data: ok, no_data_after: 20s}]");
}

TEST(EngineLimits, ACrowdThatIsWatchedForItsDataDoesNotGrow) {
  live_through_an_hour("rules: [{alert: A, expr: x, warning: '> 80', no_data: warning, no_data_after: 20s}]");
}

}  // namespace
}  // namespace sidewatch
