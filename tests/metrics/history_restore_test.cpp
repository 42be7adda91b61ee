// What a restored history is worth: how old its samples are by any clock, what has no room, and what comes next.
#include "metrics/history_replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/metrics/history_life.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

TEST(HistoryRestore, SamplesKeepTheirAgeWhenTheWallClockWasSetInBetween) {
  Life life;
  life.write_down(clocks(at(0), "boot", 1'000));
  const auto a = life.catalog.series(load, {});
  life.pass(at(1), {{&a, 1}});
  life.pass(at(2), {{&a, 2}});
  Life next;  // 30 s later by the kernel's clock; meanwhile the wall clock was set an hour forward
  next.restore({life.log.bytes()}, clocks(at(3630), "boot", 31'000));
  EXPECT_THAT(next.told(), ElementsAre(::testing::HasSubstr(" " + std::to_string(to_ms(at(3601))) + "=")));
}

TEST(HistoryRestore, OnAnotherBootTheWallClockSaysHowOldASampleIs) {
  Life life;
  HistoryClocks then = clocks(at(0), "boot", 1'000);
  then.wall_step = 10s;
  life.write_down(then);
  const auto a = life.catalog.series(load, {});
  life.pass(at(1), {{&a, 1}});
  life.log.step(20s);
  life.pass(at(2), {{&a, 2}});
  Life next;
  next.restore({life.log.bytes()}, clocks(at(100), "another", 5'000));
  std::vector<Point> points;
  next.store.range(next.catalog.select({})[0], Time::min(), Time::max(), points);
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[0].time, at(11));
  EXPECT_EQ(points[1].time, at(22));
}

TEST(HistoryRestore, SamplesFromTheFutureAreLeftOutAndCounted) {
  Life life;
  life.write_down(clocks(at(0), "boot"));
  live(life, 10, 100);
  const std::string checkpoint = life.checkpoint(clocks(at(100), "boot"));
  for (const std::string& bytes : {life.log.bytes(), checkpoint}) {
    Life next;
    const auto counts = next.restore({bytes}, clocks(at(50), "another boot"));
    EXPECT_GT(counts.from_the_future, 300U);
    for (const SeriesId id : next.catalog.select({})) {
      std::vector<Point> points;
      next.store.range(id, Time::min(), Time::max(), points);
      ASSERT_TRUE(points.empty() || points.back().time <= at(50));
    }
  }
}

TEST(HistoryRestore, WhatIsPastRetentionIsNotRestored) {
  Life life;
  live(life, 11, 100);
  const std::string bytes = life.checkpoint(clocks(at(100)));
  Life next;
  EXPECT_EQ(next.restore({bytes}, clocks(at(100 + 7200), "another boot")).samples, 0U);
  EXPECT_EQ(next.catalog.size(), 0U);
}

TEST(HistoryRestore, ASeriesThatHasNoRoomAnyMoreIsLeftOutAndCounted) {
  Life life;
  std::vector<SeriesHandle> series;
  for (int i = 0; i < 50; ++i) series.push_back(life.catalog.series(load, {{"i", std::to_string(i)}}));
  life.write_down(clocks(at(0)));
  for (const auto& one : series) life.pass(at(1), {{&one, 1}});
  Life next({.max_series = 20});
  EXPECT_EQ(next.restore({life.log.bytes()}, clocks(at(1))).series_refused, 30U);
}

TEST(HistoryRestore, ARestoredSeriesIsStaleUntilItIsWrittenAgainAndThenGoesOn) {
  Life life;
  life.write_down(clocks(at(0)));
  const auto a = life.catalog.series(load, {{"i", "a"}});
  life.pass(at(0), {{&a, 7}});
  Life next;
  next.restore({life.log.bytes()}, clocks(at(3)));
  EXPECT_TRUE(next.store.snapshot().empty());
  const auto series = next.catalog.series(load, {{"i", "a"}});
  EXPECT_EQ(next.store.latest(series.id(), at(2), lookback)->value, 7);
  EXPECT_FALSE(next.store.latest(series.id(), at(3), lookback));
  next.pass(at(5), {{&series, 8}});
  ASSERT_EQ(next.store.snapshot().size(), 1U);
  std::vector<Point> points;
  next.store.range(series.id(), Time::min(), Time::max(), points);
  EXPECT_EQ(points.size(), 2U);
}

TEST(HistoryRestore, WhatACounterBeganAtIsWrittenDownBeforeItsFirstValue) {
  Life life;
  life.write_down(clocks(at(0)));
  const auto a = life.catalog.series(cpu, {{"i", "a"}});
  const auto b = life.catalog.series(cpu, {{"i", "b"}});
  life.pass(at(0), {{&a, 7}});
  Batch batch;
  batch.add(a, 8);
  batch.begin(b, 0, 3);
  life.store.append(life.source, at(5), batch);
  Life next;
  EXPECT_EQ(next.restore({life.log.bytes()}, clocks(at(6))).samples, 4U);
  const auto series = next.catalog.series(cpu, {{"i", "b"}});
  EXPECT_EQ(next.store.latest(series.id(), at(4), lookback)->value, 0);
  EXPECT_EQ(next.store.latest(series.id(), at(5), lookback)->value, 3);
}

TEST(HistoryRestore, CommonLabelsThatAreNewAreAddedToRestoredSeries) {
  Life life({}, Labels{{"service", "a"}});
  life.write_down(clocks(at(0)));
  const auto a = life.catalog.series(load, {{"i", "a"}});
  life.pass(at(0), {{&a, 7}});
  Life next({}, Labels{{"service", "b"}, {"zone", "1"}});
  next.restore({life.log.bytes()}, clocks(at(3)));
  ASSERT_EQ(next.told().size(), 1U);
  EXPECT_THAT(next.told()[0], ::testing::HasSubstr("{i=\"a\", service=\"a\", zone=\"1\"}"));
}

TEST(HistoryRestore, TheOldestSamplesOfAllSeriesGoFirstAfterARestoreToo) {
  Life life;
  std::vector<SeriesHandle> series;
  for (int i = 0; i < 4; ++i) series.push_back(life.catalog.series(load, {{"i", std::to_string(i)}}));
  std::mt19937_64 random(1);
  const auto noise = [&] { return static_cast<double>(random()) / 3; };
  for (int second = 0; second < 1000; ++second) {
    life.pass(at(second), {{&series[0], noise()}, {&series[1], noise()}, {&series[2], noise()}, {&series[3], noise()}});
  }
  const std::string bytes = life.checkpoint(clocks(at(1000)));
  Catalog catalog({}, {});
  Store small(catalog, {1h, std::size_t{50} << 10});
  HistoryReplay replay(small, clocks(at(1000)), 1h);
  replay.begin_log();
  replay.take(bytes, true);
  replay.finish(lookback);
  const auto one = catalog.series(load, {{"i", "0"}});
  const SourceId source = small.add_source("host");
  for (int second = 1001; second < 2000; ++second) {
    Batch batch;
    batch.add(one, noise());
    small.append(source, at(second), batch);
  }
  EXPECT_LE(small.history_bytes(), std::size_t{50} << 10);
  std::vector<Point> points;
  small.range(one.id(), Time::min(), Time::max(), points);
  ASSERT_GT(points.size(), 900U) << "what the others had is older";
}

}  // namespace
}  // namespace sidewatch
