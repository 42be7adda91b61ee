#include "agent/history_disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Metric load{"node_load1", MetricType::gauge, "", "1m load average."};

Time at(std::int64_t seconds) { return time_at_ms(1'700'000'000'000 + seconds * 1000); }
HistoryClocks clocks(std::int64_t seconds) { return {{"boot", 1'000'000 + seconds * 1000}, at(seconds), Duration(0)}; }

// A store whose passes go to a directory.
struct Life : Journal {
  explicit Life(const std::string& directory, std::int64_t start = 0, Duration retention = 24h)
      : store(catalog, {retention, std::size_t{32} << 20}), disk(directory, store) {
    restored = disk.begin(clocks(start), retention);
    for (int i = 0; i < 20; ++i) series.push_back(catalog.series(load, {{"i", std::to_string(i)}}));
    store.set_journal(this);
  }
  void took_in(Time time, const std::vector<Sample>& samples) override { disk.add(time, samples.data(), samples.size()); }

  void pass(std::int64_t second) {
    Batch batch;
    for (std::size_t i = 0; i < series.size(); ++i) batch.add(series[i], static_cast<double>(second) / static_cast<double>(i + 1));
    store.append(source, at(second), batch);
  }
  void live(std::int64_t from, std::int64_t to) {
    for (std::int64_t second = from; second < to; ++second) pass(second);
    disk.flush(clocks(to));
  }
  // How many samples there are from second `from` up to `to`; each one's value is looked at.
  std::size_t samples(std::int64_t from, std::int64_t to) const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < series.size(); ++i) {
      std::vector<Point> points;
      store.range(series[i].id(), at(from) - 1ms, at(to) - 1ms, points);
      for (const Point& point : points) {
        const double second = static_cast<double>((point.time - at(0)).count()) / 1000;
        if (point.value == second / static_cast<double>(i + 1)) ++count;
      }
    }
    return count;
  }

  Catalog catalog{{}, {}};
  Store store;
  SourceId source = store.add_source("host");
  std::vector<SeriesHandle> series;
  HistoryDisk disk;
  HistoryRestored restored;
};

std::set<std::string> files(const std::string& directory) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) names.insert(entry.path().filename().string());
  return names;
}

void flip_byte(const std::string& path, std::uintmax_t place) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(place));
  const auto byte = static_cast<char>(file.get() ^ 0x10);
  file.seekp(static_cast<std::streamoff>(place));
  file.put(byte);
}

// No file of this process may grow beyond `bytes`: the disk seems full.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limited{bytes, before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &limited), 0);
  }
  ~SmallFiles() { setrlimit(RLIMIT_FSIZE, &before_); }
  SmallFiles(const SmallFiles&) = delete;
  SmallFiles& operator=(const SmallFiles&) = delete;

 private:
  rlimit before_{};
};

TEST(HistoryDisk, WhatWasFlushedIsThereAfterACrash) {
  const TempDir dir;
  Life life(dir / "history");
  EXPECT_TRUE(life.disk.status().on_disk);
  life.live(0, 100);
  life.pass(100);  // not flushed
  const Life next(dir / "history", 101);
  EXPECT_EQ(next.samples(0, 100), 2000U);
  EXPECT_EQ(next.samples(100, 101), 0U);
  EXPECT_EQ(next.restored.counts.damages, 0U);
}

TEST(HistoryDisk, EveryLifeAddsToWhatThoseBeforeHaveLeft) {
  const TempDir dir;
  for (int round = 0; round < 30; ++round) {
    Life life(dir / "history", round * 100);
    while (life.disk.work(clocks(round * 100))) {
    }
    life.live(round * 100, round * 100 + 50);
  }
  const Life last(dir / "history", 3000);
  EXPECT_EQ(last.samples(0, 3000), 20U * 50U * 30U);
  EXPECT_LT(files(dir / "history").size(), 21U) << "short lives must not pile up logs";
}

TEST(HistoryDisk, LogsThatHaveGrownGiveWayToACheckpoint) {
  const TempDir dir;
  Life life(dir / "history");
  std::int64_t second = 0;
  while (life.disk.status().bytes < (std::uint64_t{1} << 20)) {
    EXPECT_FALSE(life.disk.work(clocks(second)));
    life.live(second, second + 100);
    second += 100;
  }
  EXPECT_THAT(files(dir / "history"), ElementsAre("wal-000001"));
  while (life.disk.work(clocks(second))) {
  }
  EXPECT_THAT(files(dir / "history"), ElementsAre("checkpoint", "wal-000002"));
  EXPECT_LT(life.disk.status().bytes, std::uint64_t{1} << 20);
  life.live(second, second + 10);
  const Life next(dir / "history", second + 10);
  EXPECT_EQ(next.samples(0, second + 10), static_cast<std::size_t>(20 * (second + 10)));
}

TEST(HistoryDisk, ACrashAtAnyMomentOfACheckpointLosesNothing) {
  const TempDir dir;
  Life life(dir / "history");
  constexpr std::int64_t start = 6000;
  life.live(0, start);
  life.disk.note_loss();  // asks for a checkpoint
  std::int64_t second = start;
  for (bool more = true; more; ++second) {
    more = life.disk.work(clocks(second));
    life.live(second, second + 1);
    const std::string copy = dir / ("copy" + std::to_string(second));
    fs::copy(dir / "history", copy);
    const Life next(copy, second + 1);
    ASSERT_EQ(next.samples(0, second + 1), static_cast<std::size_t>(20 * (second + 1))) << second;
  }
  EXPECT_GT(second, start + 3) << "a checkpoint of several pieces";
}

TEST(HistoryDisk, AFullDiskMeansMemoryOnlyAndEverythingIsOnDiskAgainOnceThereIsRoom) {
  const TempDir dir;
  Life life(dir / "history");
  life.live(0, 50);
  {
    const SmallFiles full(16 << 10);
    life.live(50, 400);
    EXPECT_FALSE(life.disk.status().on_disk);
    EXPECT_EQ(life.disk.status().failures, 1U);
    const auto problem = life.disk.take_problem();
    ASSERT_TRUE(problem);
    EXPECT_THAT(problem->text(), ::testing::HasSubstr("cannot write the history"));
    EXPECT_FALSE(life.disk.work(clocks(405))) << "not at once again";
    while (life.disk.work(clocks(415))) {
    }
    EXPECT_EQ(life.disk.status().failures, 2U);
    EXPECT_EQ(files(dir / "history").count("checkpoint.new"), 0U);
  }
  fs::copy(dir / "history", dir / "meanwhile");
  const Life meanwhile(dir / "meanwhile", 416);
  EXPECT_GE(meanwhile.samples(0, 416), 20U * 50U) << "what had been written before is still there";
  EXPECT_EQ(meanwhile.restored.counts.damages, 0U);
  life.live(416, 420);
  while (life.disk.work(clocks(430))) {
  }
  EXPECT_TRUE(life.disk.status().on_disk);
  life.live(430, 440);
  const Life next(dir / "history", 440);
  EXPECT_EQ(next.samples(0, 440), 20U * (400U + 4U + 10U));
}

TEST(HistoryDisk, ADirectoryThatCannotBeMadeIsTriedAgain) {
  const TempDir dir;
  std::ofstream(dir / "history") << "a file stands in its place";
  Life life(dir / "history");
  EXPECT_FALSE(life.disk.status().on_disk);
  ASSERT_TRUE(life.disk.take_problem());
  life.live(0, 10);
  fs::remove(dir / "history");
  while (life.disk.work(clocks(11))) {
  }
  EXPECT_TRUE(life.disk.status().on_disk);
  const Life next(dir / "history", 12);
  EXPECT_EQ(next.samples(0, 10), 200U);
}

TEST(HistoryDisk, DamageIsCutOffAndGoneWithTheNextCheckpoint) {
  const TempDir dir;
  { Life(dir / "history").live(0, 300); }
  const std::string log = dir / "history/wal-000001";
  flip_byte(log, fs::file_size(log) / 2);
  {
    Life second(dir / "history", 300);
    EXPECT_EQ(second.restored.counts.damages, 1U);
    EXPECT_GT(second.samples(0, 300), 20U * 100U);
    EXPECT_LT(second.samples(0, 300), 20U * 200U);
    while (second.disk.work(clocks(300))) {
    }
  }
  const Life third(dir / "history", 301);
  EXPECT_EQ(third.restored.counts.damages, 0U);
  EXPECT_GT(third.samples(0, 300), 20U * 100U);
}

TEST(HistoryDisk, ALifeThatEndedBeforeItWroteIsNoDamage) {
  const TempDir dir;
  for (int round = 0; round < 3; ++round) {
    const Life life(dir / "history", round);
    EXPECT_EQ(life.restored.counts.damages, 0U) << round;
  }
  EXPECT_EQ(fs::file_size(dir / "history/wal-000001"), 0U);
}

TEST(HistoryDisk, ACheckpointThatLostItsTailIsDamage) {
  const TempDir dir;
  {
    Life life(dir / "history");
    life.live(0, 10);
    fs::remove(dir / "history/wal-000001");
    life.disk.note_loss();
    while (life.disk.work(clocks(11))) {
    }
  }
  const std::string checkpoint = dir / "history/checkpoint";
  constexpr std::uintmax_t end_record_bytes = 9;
  fs::resize_file(checkpoint, fs::file_size(checkpoint) - end_record_bytes);
  EXPECT_EQ(Life(dir / "history", 12).restored.counts.damages, 1U);
  fs::resize_file(checkpoint, 0);
  EXPECT_EQ(Life(dir / "history", 13).restored.counts.damages, 1U);
}

TEST(HistoryDisk, AFileOfSomethingElseIsNotRead) {
  const TempDir dir;
  fs::create_directory(dir / "history");
  fs::permissions(dir / "history", fs::perms::owner_all);
  std::ofstream(dir / "history/checkpoint") << "GIF89a and so on";
  std::ofstream(dir / "history/wal-notes") << "keep me";
  const Life life(dir / "history");
  EXPECT_EQ(life.restored.counts.damages, 1U);
  EXPECT_EQ(life.restored.counts.samples, 0U);
  EXPECT_THAT(files(dir / "history"), ElementsAre("checkpoint", "wal-000001", "wal-notes"));
}

TEST(HistoryDisk, ItsSizeIsBoundedByWhatIsRemembered) {
  const TempDir dir;
  Life life(dir / "history", 0, 10min);
  std::uint64_t most = 0;
  for (std::int64_t second = 0; second < 30'000; second += 100) {
    life.live(second, second + 100);
    life.store.expire(at(second));
    while (life.disk.work(clocks(second + 100))) {
      most = std::max(most, life.disk.status().bytes);
    }
    most = std::max(most, life.disk.status().bytes);
  }
  EXPECT_LT(most, std::uint64_t{2} << 20);
  EXPECT_LE(files(dir / "history").size(), 3U);
}

}  // namespace
}  // namespace sidewatch
