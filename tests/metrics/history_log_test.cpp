#include "metrics/history_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/metrics/history_life.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

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

}  // namespace
}  // namespace sidewatch
