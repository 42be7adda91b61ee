#include "agent/history_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/agent/loop_world.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr Metric load{"node_load1", MetricType::gauge, "", "1m load average."};
constexpr Duration long_patience = 20s;

struct Life {
  explicit Life(const std::string& its_directory) : directory(its_directory) {}

  void append(Time time, double value) {
    Batch batch;
    batch.add(series, value);
    store.append(source, time, batch);
  }
  std::vector<double> values() const {
    std::vector<Point> points;
    store.range(series.id(), Time::min(), Time::max(), points);
    std::vector<double> values;
    for (const Point& point : points) values.push_back(point.value);
    return values;
  }
  std::string logged() {
    EXPECT_TRUE(log.close(long_patience));
    return log_file.content();
  }

  std::string directory;
  SystemClock clock;
  LogFile log_file;
  Log log{{.descriptor = log_file.descriptor(), .format = LogFormat::logfmt}};
  Catalog catalog{{.max_series = 1'000'000, .max_series_per_metric = 1'000'000}, {}};
  Store store{catalog, {1h, std::size_t{64} << 20}};
  SourceId source = store.add_source("host");
  SeriesHandle series = catalog.series(load, {});
  HistoryWriter writer{{directory, 1h, 10ms}, store, clock, log};
};

bool wait_for(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + long_patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

TEST(HistoryWriter, StoppedItHasWrittenEverything) {
  const TempDir dir;
  {
    Life life(dir / "history");
    for (int i = 0; i < 1000; ++i) life.append(life.clock.now() - Duration(1000 - i), i);
    EXPECT_TRUE(life.writer.stop(long_patience));
    life.append(life.clock.now() + 1s, 5);  // nobody is told any more
  }
  Life next(dir / "history");
  EXPECT_EQ(next.values().size(), 1000U);
  EXPECT_EQ(next.values().back(), 999);
  EXPECT_TRUE(next.writer.stop(long_patience));
  EXPECT_THAT(next.logged(), HasSubstr("the history of the last run is there again\" samples=1000"));
}

TEST(HistoryWriter, WritesWhileTheAgentLives) {
  const TempDir dir;
  Life life(dir / "history");
  life.append(life.clock.now(), 7);
  const auto written = [&] { return life.writer.status().disk.bytes; };
  EXPECT_TRUE(wait_for([&] { return written() > 100; }));
  const auto before = written();
  life.append(life.clock.now() + 1ms, 8);
  EXPECT_TRUE(wait_for([&] { return written() > before; }));
  EXPECT_TRUE(life.writer.status().disk.on_disk);
}

TEST(HistoryWriter, SamplesThatTheBufferDidNotTakeAreCountedAndComeWithACheckpoint) {
  const TempDir dir;
  {
    Life life(dir / "history");
    std::vector<SeriesHandle> many;
    Batch batch;
    for (int i = 0; i < 270'000; ++i) {
      if (i < 100) many.push_back(life.catalog.series(load, {{"i", std::to_string(i)}}));
      batch.add(many[static_cast<std::size_t>(i) % 100], i);
    }
    life.store.append(life.source, life.clock.now(), batch);
    EXPECT_GE(life.writer.status().lost_samples, 262'144U);
    EXPECT_TRUE(wait_for([&] { return std::filesystem::exists(life.directory + "/checkpoint"); }));
    EXPECT_TRUE(life.writer.stop(long_patience));
  }
  Life next(dir / "history");
  const auto one = next.catalog.series(load, {{"i", "7"}});
  std::vector<Point> points;
  next.store.range(one.id(), Time::min(), Time::max(), points);
  ASSERT_EQ(points.size(), 1U);
  EXPECT_EQ(points[0].value, 269'907);
}

TEST(HistoryWriter, SaysOnceThatTheDiskRefusesAndOnceThatItIsBack) {
  const TempDir dir;
  std::ofstream(dir / "history") << "a file stands in its place";
  Life life(dir / "history");
  EXPECT_FALSE(life.writer.status().disk.on_disk);
  EXPECT_EQ(life.writer.status().disk.failures, 1U);
  EXPECT_TRUE(life.writer.stop(long_patience));
  EXPECT_THAT(life.logged(), HasSubstr("the history is in memory only until the disk takes it again"));
}

TEST(HistoryWriter, DamageIsLoggedAndCounted) {
  const TempDir dir;
  {
    Life life(dir / "history");
    for (int i = 0; i < 100; ++i) life.append(life.clock.now() - Duration(1000 - i), i);
    EXPECT_TRUE(life.writer.stop(long_patience));
  }
  std::filesystem::resize_file(dir / "history/wal-000001", std::filesystem::file_size(dir / "history/wal-000001") - 3);
  Life next(dir / "history");
  EXPECT_EQ(next.writer.status().damages, 1U);
  EXPECT_TRUE(next.writer.stop(long_patience));
  EXPECT_THAT(next.logged(), HasSubstr("the history on disk is damaged"));
}

}  // namespace
}  // namespace sidewatch
