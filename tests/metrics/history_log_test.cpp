#include "metrics/history_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "metrics/history_replay.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr Metric load{"node_load1", MetricType::gauge, "", "1m load average."};
constexpr Metric cpu{"node_cpu_seconds_total", MetricType::counter, "seconds", "CPU time, \"as it is\"."};
constexpr Duration lookback = 5min;

Time at(std::int64_t seconds) { return time_at_ms(1'700'000'000'000 + seconds * 1000); }

// On one boot, on which nobody has set the wall clock.
HistoryClocks clocks(Time now, std::string boot = "this boot") {
  return {{std::move(boot), (now - at(-50)).count()}, now, Duration(0)};
}
HistoryClocks clocks(Time now, std::string boot, std::int64_t boot_ms) { return {{std::move(boot), boot_ms}, now, Duration(0)}; }

// A store that writes everything it takes in into a write-ahead log.
struct Life : Journal {
  explicit Life(Catalog::Limits limits = {}, const Labels& common = {}) : catalog(limits, common) {}

  void took_in(Time time, const std::vector<Sample>& samples) override { log.pass(time, samples.data(), samples.size()); }

  // From now on passes are written down.
  void write_down(const HistoryClocks& now) {
    log.begin(now);
    store.set_journal(this);
  }
  void pass(Time time, const std::vector<std::pair<const SeriesHandle*, double>>& samples) {
    Batch batch;
    for (const auto& [series, value] : samples) batch.add(*series, value);
    store.append(source, time, batch);
  }
  // Everything that is remembered, in pieces of `limit` chunks.
  std::string checkpoint(const HistoryClocks& now, std::size_t limit = 3) {
    HistoryLog written(catalog);
    written.begin(now);
    for (const SeriesId id : catalog.select({})) {
      for (Time after = Time::min();;) {
        const Store::Memory memory = store.memory(id, after, limit);
        if (!memory.chunks.empty() || memory.newest) written.memory(id, memory);
        if (memory.newest || memory.chunks.empty()) break;
        after = memory.chunks.back().last_time();
      }
    }
    written.end();
    return std::move(written.bytes());
  }
  HistoryReplay::Counts restore(const std::vector<std::string>& logs, const HistoryClocks& now,
                                Duration retention = 1h) {
    HistoryReplay replay(store, now, retention);
    for (const std::string& bytes : logs) {
      replay.begin_log();
      EXPECT_LE(replay.take(bytes, true), bytes.size());
    }
    replay.finish(lookback);
    return replay.counts();
  }
  // Each series and its samples, bit for bit, as "name{labels} type: time=value ...".
  std::vector<std::string> told() const {
    std::vector<std::string> lines;
    for (const SeriesId id : catalog.select({})) {
      const auto info = catalog.info(id);
      std::vector<Point> points;
      store.range(id, Time::min(), Time::max(), points, Store::StaleMarkers::kept);
      std::string line = info->family->name + info->labels.to_string() + " " +
                         std::string(to_string(info->family->type)) + " " + info->family->unit + info->family->help;
      for (const Point& point : points) {
        line += " " + std::to_string(to_ms(point.time)) + "=" +
                (is_stale_marker(point.value) ? "stale" : std::to_string(std::bit_cast<std::uint64_t>(point.value)));
      }
      if (!points.empty()) lines.push_back(line);
    }
    return lines;
  }

  Catalog catalog;
  Store store{catalog, Store::Limits{1h, std::size_t{8} << 20}};
  SourceId source = store.add_source("host");
  HistoryLog log{catalog};
};

// A life of many kinds of values, with series that come and go.
void live(Life& life, unsigned seed, int passes, std::int64_t start = 0) {
  std::mt19937_64 random(seed);
  std::vector<SeriesHandle> series;
  std::map<std::size_t, double> values;
  for (std::size_t i = 0; i < 12; ++i) {
    series.push_back(life.catalog.series(i % 2 ? load : cpu, {{"i", std::to_string(i)}, {"mode", "ä\n"}}));
  }
  for (int pass = 0; pass < passes; ++pass) {
    std::vector<std::pair<const SeriesHandle*, double>> samples;
    for (std::size_t i = 0; i < series.size(); ++i) {
      if (random() % 20 == 0) continue;
      double& value = values[i];
      if (i % 4 == 1) value += static_cast<double>(random() % 50);
      if (i % 4 == 2) value = static_cast<double>(random() % 10'000) / 100;
      if (i % 4 == 3) value = std::bit_cast<double>(random());
      samples.emplace_back(&series[i], is_stale_marker(value) ? 1 : value);
    }
    life.pass(at(start + pass), samples);
    if (random() % 10 == 0) series[random() % 12] = life.catalog.series(load, {{"i", std::to_string(random() % 100)}});
  }
}

// What the end of a life adds: every series that was alive is stale from then on.
std::vector<std::string> ended(Life& life, Time now) {
  life.store.set_journal(nullptr);
  life.store.end_restore(now, lookback);
  return life.told();
}

TEST(HistoryLog, AWriteAheadLogGivesBackEverySampleBitForBit) {
  Life life;
  life.write_down(clocks(at(0)));
  live(life, 1, 700);
  Life next;
  const auto counts = next.restore({life.log.bytes()}, clocks(at(700)));
  EXPECT_EQ(counts.damages, 0U);
  EXPECT_EQ(counts.from_the_future, 0U);
  EXPECT_EQ(next.told(), ended(life, at(700)));
}

TEST(HistoryLog, ACheckpointGivesBackEverySampleBitForBit) {
  Life life;
  live(life, 2, 1500);
  Life next;
  const auto counts = next.restore({life.checkpoint(clocks(at(1500)))}, clocks(at(1500)));
  EXPECT_EQ(counts.damages, 0U);
  EXPECT_EQ(next.told(), ended(life, at(1500)));
}

TEST(HistoryLog, WhatBothACheckpointAndTheLogAfterItHoldIsThereOnce) {
  Life life;
  live(life, 3, 400);
  life.write_down(clocks(at(400)));
  live(life, 4, 300, 400);
  const std::string checkpoint = life.checkpoint(clocks(at(700)));
  live(life, 5, 300, 700);
  Life next;
  next.restore({checkpoint, life.log.bytes()}, clocks(at(1000)));
  EXPECT_EQ(next.told(), ended(life, at(1000)));
}

TEST(HistoryLog, GoesOnOverSeveralLives) {
  Life first;
  first.write_down(clocks(at(0), "boot", 0));
  live(first, 6, 100);
  Life second;
  second.restore({first.log.bytes()}, clocks(at(100), "boot", 100'000));
  second.write_down(clocks(at(100), "boot", 100'000));
  live(second, 7, 100, 101);
  Life third;
  const HistoryClocks now = clocks(at(202), "boot", 202'000);
  third.restore({first.log.bytes(), second.log.bytes()}, now);
  Life shortcut;
  shortcut.restore({second.checkpoint(clocks(at(201), "boot", 201'000))}, now);
  const auto samples = [](const Life& life) {
    std::size_t count = 0;
    for (const SeriesId id : life.catalog.select({})) {
      std::vector<Point> points;
      life.store.range(id, Time::min(), Time::max(), points);
      count += points.size();
    }
    return count;
  };
  EXPECT_GT(samples(third), 2'000U);
  EXPECT_EQ(samples(third), samples(shortcut));
}

TEST(HistoryLog, BytesMayArriveInPiecesOfAnySize) {
  Life life;
  live(life, 8, 200);
  const std::string bytes = life.checkpoint(clocks(at(200)));
  for (const std::size_t piece : {1U, 7U, 1000U}) {
    Life next;
    HistoryReplay replay(next.store, clocks(at(200)), 1h);
    replay.begin_log();
    std::string waiting;
    for (std::size_t i = 0; i < bytes.size(); i += piece) {
      waiting += bytes.substr(i, piece);
      waiting.erase(0, replay.take(waiting, i + piece >= bytes.size()));
    }
    replay.end_checkpoint();
    EXPECT_EQ(replay.counts().damages, 0U);
    replay.finish(lookback);
    Life whole;
    whole.restore({bytes}, clocks(at(200)));
    EXPECT_EQ(next.told(), whole.told()) << piece;
  }
}

// A small log, and what is in it after each of its records.
struct SmallLog {
  SmallLog() {
    life.write_down(clocks(at(0)));
    const auto a = life.catalog.series(load, {{"i", "a"}});
    const auto b = life.catalog.series(cpu, {{"i", "b"}});
    for (int i = 0; i < 6; ++i) {
      life.pass(at(i), {{&a, i * 3}, {&b, i * 0.37}});
      ends.push_back(life.log.bytes().size());
    }
  }
  // How many samples of both series a damaged copy gives back; -1 when one of them is not as it was.
  int sound_samples(const std::string& bytes, std::uint64_t& damages) const {
    Life next;
    damages = next.restore({bytes}, clocks(at(60))).damages;
    int count = 0;
    for (const SeriesId id : next.catalog.select({})) {
      const bool is_load = next.catalog.info(id)->family->name == load.name;
      std::vector<Point> points;
      next.store.range(id, Time::min(), Time::max(), points);
      for (std::size_t i = 0; i < points.size(); ++i) {
        const auto second = static_cast<double>(i);
        if (points[i].time != at(static_cast<std::int64_t>(i))) return -1;
        if (points[i].value != (is_load ? second * 3 : second * 0.37)) return -1;
        ++count;
      }
    }
    return count;
  }
  Life life;
  std::vector<std::size_t> ends;
};

TEST(HistoryLog, CutOffAtAnyLengthItGivesWhatStandsBefore) {
  SmallLog small;
  const std::string bytes = small.life.log.bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::uint64_t damages = 0;
    const int whole_passes = static_cast<int>(
        std::count_if(small.ends.begin(), small.ends.end(), [&](std::size_t end) { return end <= size; }));
    EXPECT_EQ(small.sound_samples(bytes.substr(0, size), damages), 2 * whole_passes) << size;
    EXPECT_LE(damages, 1U) << size;
  }
}

TEST(HistoryLog, WithAnyByteChangedItGivesNoSampleThatNeverWas) {
  SmallLog small;
  const std::string bytes = small.life.log.bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const int flip : {1, 0x80, 0xFF}) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ flip);
      std::uint64_t damages = 0;
      const int before = static_cast<int>(
          std::count_if(small.ends.begin(), small.ends.end(), [&](std::size_t end) { return end <= i; }));
      EXPECT_EQ(small.sound_samples(damaged, damages), 2 * before) << i;
      EXPECT_GE(damages, 1U) << i;
    }
  }
}

TEST(HistoryLog, ADamagedMemoryCostsOneSeriesOfACheckpoint) {
  Life life;
  live(life, 9, 60);
  std::string bytes = life.checkpoint(clocks(at(60)));
  const std::size_t all = life.told().size();
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
  Life next;
  EXPECT_GE(next.restore({bytes}, clocks(at(60))).damages, 1U);
  EXPECT_GE(next.told().size(), all / 3);
  EXPECT_LT(next.told().size(), all);
}

TEST(HistoryLog, SamplesKeepTheirAgeWhenTheWallClockWasSetInBetween) {
  Life life;
  life.write_down(clocks(at(0), "boot", 1'000));
  const auto a = life.catalog.series(load, {});
  life.pass(at(1), {{&a, 1}});
  life.pass(at(2), {{&a, 2}});
  Life next;  // 30 s later by the kernel's clock; meanwhile the wall clock was set an hour forward
  next.restore({life.log.bytes()}, clocks(at(3630), "boot", 31'000));
  EXPECT_THAT(next.told(), ElementsAre(::testing::HasSubstr(" " + std::to_string(to_ms(at(3601))) + "=")));
}

TEST(HistoryLog, OnAnotherBootTheWallClockSaysHowOldASampleIs) {
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

TEST(HistoryLog, SamplesFromTheFutureAreLeftOutAndCounted) {
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

TEST(HistoryLog, WhatIsPastRetentionIsNotRestored) {
  Life life;
  live(life, 11, 100);
  const std::string bytes = life.checkpoint(clocks(at(100)));
  Life next;
  EXPECT_EQ(next.restore({bytes}, clocks(at(100 + 7200), "another boot")).samples, 0U);
  EXPECT_EQ(next.catalog.size(), 0U);
}

TEST(HistoryLog, ASeriesThatHasNoRoomAnyMoreIsLeftOutAndCounted) {
  Life life;
  std::vector<SeriesHandle> series;
  for (int i = 0; i < 50; ++i) series.push_back(life.catalog.series(load, {{"i", std::to_string(i)}}));
  life.write_down(clocks(at(0)));
  for (const auto& one : series) life.pass(at(1), {{&one, 1}});
  Life next({.max_series = 20});
  EXPECT_EQ(next.restore({life.log.bytes()}, clocks(at(1))).series_refused, 30U);
}

TEST(HistoryLog, ARestoredSeriesIsStaleUntilItIsWrittenAgainAndThenGoesOn) {
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

TEST(HistoryLog, CommonLabelsThatAreNewAreAddedToRestoredSeries) {
  Life life({}, Labels{{"service", "a"}});
  life.write_down(clocks(at(0)));
  const auto a = life.catalog.series(load, {{"i", "a"}});
  life.pass(at(0), {{&a, 7}});
  Life next({}, Labels{{"service", "b"}, {"zone", "1"}});
  next.restore({life.log.bytes()}, clocks(at(3)));
  ASSERT_EQ(next.told().size(), 1U);
  EXPECT_THAT(next.told()[0], ::testing::HasSubstr("{i=\"a\", service=\"a\", zone=\"1\"}"));
}

TEST(HistoryLog, TheOldestSamplesOfAllSeriesGoFirstAfterARestoreToo) {
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
