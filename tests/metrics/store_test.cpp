#include "metrics/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr Metric load{"node_load1", MetricType::gauge, "", "1m load average."};
constexpr Metric reads{"node_disk_reads_completed_total", MetricType::counter, "", "Reads."};

Time at(std::int64_t seconds) { return time_at_ms(1'000'000 + seconds * 1000); }

class StoreTest : public ::testing::Test {
 protected:
  void append(SourceId source, Time time, std::initializer_list<std::pair<const SeriesHandle*, double>> samples) {
    Batch batch;
    for (const auto& [series, value] : samples) batch.add(*series, value);
    store.append(source, time, batch);
  }
  std::optional<double> value(const SeriesHandle& series, Time time, Duration lookback = 5min) const {
    const auto point = store.latest(series.id(), time, lookback);
    return point ? std::optional(point->value) : std::nullopt;
  }
  std::vector<double> values(const SeriesHandle& series, Time from, Time to) const {
    std::vector<Point> points;
    store.range(series.id(), from, to, points);
    std::vector<double> result;
    for (const auto& point : points) result.push_back(point.value);
    return result;
  }
  std::vector<std::string> shown() const {
    std::vector<std::string> lines;
    for (const auto& series : store.snapshot()) {
      lines.push_back(series.info->family->name + series.info->labels.to_string() + " " +
                      std::to_string(static_cast<int>(series.last.value)));
    }
    return lines;
  }

  Catalog catalog{Catalog::Limits{}, Labels{}};
  Store store{catalog, Store::Limits{15min, std::size_t{1} << 20}};
  SourceId host = store.add_source("host");
  SourceId disk = store.add_source("disk");
  SeriesHandle a = catalog.series(load, {{"cpu", "a"}});
  SeriesHandle b = catalog.series(load, {{"cpu", "b"}});
};

TEST_F(StoreTest, ShowsTheLastValueOfEverySeriesInOrderOfNameAndLabels) {
  const auto c = catalog.series(reads, {{"device", "sda"}});
  append(host, at(0), {{&b, 2}, {&c, 3}, {&a, 1}});
  EXPECT_THAT(shown(), ElementsAre("node_disk_reads_completed_total{device=\"sda\"} 3", "node_load1{cpu=\"a\"} 1",
                                   "node_load1{cpu=\"b\"} 2"));
}

TEST_F(StoreTest, ASeriesWithoutASampleIsNotShown) {
  append(host, at(0), {{&a, 1}});
  EXPECT_THAT(shown(), ElementsAre("node_load1{cpu=\"a\"} 1"));
  EXPECT_FALSE(value(b, at(0)));
}

TEST_F(StoreTest, ASeriesLeftOutOfAPassIsStaleFromThenOn) {
  append(host, at(0), {{&a, 1}, {&b, 2}});
  append(host, at(5), {{&a, 3}});
  EXPECT_THAT(shown(), ElementsAre("node_load1{cpu=\"a\"} 3"));
  EXPECT_FALSE(value(b, at(5)));
  EXPECT_EQ(value(b, at(4)), 2);
  EXPECT_THAT(values(b, at(-1), at(60)), ElementsAre(2));
}

TEST_F(StoreTest, AStaleSeriesComesBackWithItsNextSample) {
  append(host, at(0), {{&a, 1}, {&b, 2}});
  append(host, at(5), {{&a, 3}});
  append(host, at(10), {{&a, 3}, {&b, 4}});
  EXPECT_EQ(value(b, at(10)), 4);
  EXPECT_FALSE(value(b, at(9)));
  EXPECT_THAT(values(b, at(-1), at(60)), ElementsAre(2, 4));
}

TEST_F(StoreTest, AFailedSourceMakesItsSeriesStaleAndNoOthers) {
  append(host, at(0), {{&a, 1}});
  append(disk, at(0), {{&b, 2}});
  store.mark_stale(host, at(5));
  EXPECT_FALSE(value(a, at(5)));
  EXPECT_EQ(value(b, at(5)), 2);
  store.remove_source(disk, at(6));
  EXPECT_FALSE(value(b, at(6)));
  EXPECT_TRUE(store.snapshot().empty());
}

TEST_F(StoreTest, StaleAtTheInstantOfASampleMeansStale) {
  append(host, at(0), {{&a, 1}});
  store.mark_stale(host, at(0));
  EXPECT_FALSE(value(a, at(0)));
}

TEST_F(StoreTest, TellsHowItsSourcesFare) {
  append(host, at(3), {{&a, 1}, {&b, 2}});
  store.remove_source(disk, at(4));
  ASSERT_EQ(store.sources().size(), 1U);
  EXPECT_EQ(store.sources()[0].name, "host");
  EXPECT_EQ(store.sources()[0].live_series, 2U);
  EXPECT_EQ(store.sources()[0].last_pass, at(3));
  store.mark_stale(host, at(5));
  EXPECT_EQ(store.sources()[0].live_series, 0U);
}

TEST_F(StoreTest, WhatARemovedSourceStillSendsIsRefused) {
  store.remove_source(host, at(0));
  append(host, at(1), {{&a, 1}});
  EXPECT_FALSE(value(a, at(1)));
  EXPECT_EQ(store.samples_refused(), 1U);
}

TEST_F(StoreTest, TheLaterOfTwoSamplesForOneInstantStays) {
  append(host, at(0), {{&a, 1}, {&a, 2}});
  EXPECT_EQ(value(a, at(0)), 2);
  EXPECT_THAT(values(a, at(-1), at(0)), ElementsAre(2));
}

TEST_F(StoreTest, ACounterThatBeginsStoodAtWhatItWasInTheLastPassOfItsSource) {
  const auto begin = [&](Time time, double before, double now_at) {
    Batch batch;
    batch.begin(a, before, now_at);
    store.append(host, time, batch);
  };
  append(host, at(0), {{&b, 1}});
  begin(at(5), 0, 3);
  EXPECT_THAT(values(a, at(-1), at(9)), ElementsAre(0, 3));
  EXPECT_EQ(value(a, at(4)), 0);
  EXPECT_EQ(value(a, at(-1)), std::nullopt);
  EXPECT_THAT(shown(), ElementsAre("node_load1{cpu=\"a\"} 3"));
  append(host, at(10), {{&b, 1}});
  EXPECT_EQ(value(a, at(11)), std::nullopt) << "it ends with the pass that leaves it out, as any series";
  begin(at(15), 3, 4);
  EXPECT_THAT(values(a, at(-1), at(19)), ElementsAre(0, 3, 3, 4)) << "and comes back as what it was";
  begin(at(20), 0, 5);
  EXPECT_THAT(values(a, at(15), at(20)), ElementsAre(5)) << "what lives does not begin";
}

TEST_F(StoreTest, ACounterBeginsWithItsFirstValueWhereItsSourceHadNoPassBefore) {
  Batch batch;
  batch.begin(a, 0, 3);
  store.append(host, at(5), batch);
  EXPECT_THAT(values(a, at(-100), at(9)), ElementsAre(3));
  append(disk, at(6), {{&b, 1}});
  store.mark_stale(host, at(8));
  store.append(host, at(10), batch);
  EXPECT_THAT(values(a, at(-100), at(10)), ElementsAre(3, 3)) << "nothing is written before the end that was told";
}

TEST_F(StoreTest, ASampleFromThePastIsRefusedAndCounted) {
  append(host, at(10), {{&a, 1}});
  store.mark_stale(host, at(12));
  append(disk, at(5), {{&a, 2}});
  EXPECT_THAT(values(a, at(-1), at(60)), ElementsAre(1));
  EXPECT_EQ(store.samples_refused(), 1U);
  EXPECT_EQ(store.samples_appended(), 1U);
}

TEST_F(StoreTest, LatestLooksBackLeftOpen) {
  append(host, at(0), {{&a, 1}});
  EXPECT_EQ(value(a, at(59), 60s), 1);
  EXPECT_FALSE(value(a, at(60), 60s));
  EXPECT_FALSE(value(a, at(-1), 60s));
}

TEST_F(StoreTest, RangeKeepsStaleMarkersForThoseWhoWantThem) {
  append(host, at(0), {{&a, 1}});
  append(host, at(10), {});
  append(host, at(20), {{&a, 3}});
  append(host, at(30), {});
  EXPECT_THAT(values(a, at(-1), at(30)), ElementsAre(1, 3));
  std::vector<Point> points;
  store.range(a.id(), at(-1), at(30), points, Store::StaleMarkers::kept);
  ASSERT_EQ(points.size(), 4U);
  EXPECT_TRUE(is_stale_marker(points[1].value));
  EXPECT_EQ(points[1].time, at(10));
  EXPECT_EQ(points[2].value, 3);
  EXPECT_TRUE(is_stale_marker(points[3].value));
}

TEST_F(StoreTest, RangeIsLeftOpenAndOldestFirst) {
  for (int i = 0; i < 200; ++i) append(host, at(i), {{&a, i}});
  EXPECT_THAT(values(a, at(10), at(13)), ElementsAre(11, 12, 13));
  EXPECT_THAT(values(a, at(197), at(500)), ElementsAre(198, 199));
  EXPECT_THAT(values(a, at(-10), at(1)), ElementsAre(0, 1));
  EXPECT_EQ(values(a, at(-1), at(500)).size(), 200U);
}

TEST_F(StoreTest, LatestOfAPastInstantIsFoundInTheHistory) {
  for (int i = 0; i < 200; ++i) append(host, at(i * 10), {{&a, i}});
  EXPECT_EQ(value(a, at(1005)), 100);
  EXPECT_EQ(value(a, at(0)), 0);
  EXPECT_EQ(value(a, at(1990)), 199);
}

TEST_F(StoreTest, NotANumberIsAValueAndNoStaleMarker) {
  append(host, at(0), {{&a, std::numeric_limits<double>::quiet_NaN()}, {&b, std::numeric_limits<double>::infinity()}});
  EXPECT_EQ(shown().size(), 2U);
  EXPECT_TRUE(std::isnan(*value(a, at(0))));
}

TEST_F(StoreTest, ASampleThatIsTheStaleMarkerEndsItsSeries) {
  append(host, at(0), {{&a, 1}, {&b, 2}});
  append(host, at(5), {{&a, stale_marker()}, {&b, 3}});
  EXPECT_THAT(shown(), ElementsAre("node_load1{cpu=\"b\"} 3"));
  EXPECT_EQ(value(a, at(4)), 1);
  EXPECT_FALSE(value(a, at(5)));
  append(host, at(10), {{&a, 4}, {&b, 3}});
  EXPECT_EQ(value(a, at(10)), 4);
  EXPECT_THAT(values(a, at(-1), at(60)), ElementsAre(1, 4));
}

TEST_F(StoreTest, AStaleMarkerForASeriesWithoutSamplesMeansNothing) {
  append(host, at(0), {{&a, stale_marker()}});
  EXPECT_TRUE(shown().empty());
  EXPECT_FALSE(store.has_samples(a.id(), at(-10), at(10)));
}

TEST_F(StoreTest, KnowsWhenASeriesWasAlive) {
  append(host, at(10), {{&a, 1}, {&b, 1}});
  append(host, at(20), {{&b, 2}});
  append(host, at(30), {{&a, 3}, {&b, 2}});
  EXPECT_FALSE(store.has_samples(a.id(), at(0), at(9)));
  EXPECT_TRUE(store.has_samples(a.id(), at(0), at(10)));
  EXPECT_TRUE(store.has_samples(a.id(), at(12), at(14)));  // what it was at 10 still held
  EXPECT_TRUE(store.has_samples(a.id(), at(12), at(25)));
  EXPECT_FALSE(store.has_samples(a.id(), at(20), at(29)));
  EXPECT_TRUE(store.has_samples(a.id(), at(31), at(60)));
  EXPECT_FALSE(store.has_samples(SeriesId{900, 0}, at(0), at(60)));
}

TEST_F(StoreTest, ExpiryDropsWhatIsPastRetention) {
  for (int i = 0; i < 2000; ++i) append(host, at(i), {{&a, i}});
  store.expire(at(2000));
  const auto kept = values(a, at(-1), at(2000));
  EXPECT_GE(kept.size(), 900U);
  EXPECT_LT(kept.size(), 1400U);
  EXPECT_EQ(kept.back(), 1999);
}

TEST_F(StoreTest, ASeriesIsForgottenWhenNobodyHoldsItAndItsSamplesHaveAgedOut) {
  append(host, at(0), {{&a, 1}});
  append(host, at(5), {});
  const SeriesId old = a.id();
  a = SeriesHandle();
  store.expire(at(60));
  EXPECT_TRUE(catalog.info(old));
  store.expire(at(5 + 15 * 60));
  EXPECT_FALSE(catalog.info(old));
  EXPECT_EQ(catalog.size(), 1U);
}

TEST_F(StoreTest, AHeldSeriesOutlivesItsSamples) {
  append(host, at(0), {{&a, 1}});
  append(host, at(5), {});
  store.expire(at(3600));
  EXPECT_TRUE(catalog.info(a.id()));
  append(host, at(3600), {{&a, 2}});
  EXPECT_EQ(value(a, at(3600)), 2);
}

TEST_F(StoreTest, AReusedPlaceNeverShowsTheOldSeriesValues) {
  append(host, at(0), {{&a, 1}, {&b, 2}});
  const SeriesId old = a.id();
  Batch late;
  late.add(a, 99);
  a = SeriesHandle();
  append(host, at(1), {{&b, 2}});
  store.expire(at(3600));
  const auto next = catalog.series(reads, {{"device", "sdb"}});
  ASSERT_EQ(next.id().index, old.index);
  EXPECT_NE(next.id(), old);
  store.append(host, at(3601), late);
  EXPECT_FALSE(value(next, at(3601)));
  EXPECT_FALSE(store.latest(old, at(3601), 5min));
  EXPECT_EQ(store.samples_refused(), 1U);
}

TEST_F(StoreTest, ALastValueIsKeptHoweverOldWhileItsSourceLives) {
  append(host, at(0), {{&a, 7}});
  store.expire(at(7200));
  EXPECT_THAT(shown(), ElementsAre("node_load1{cpu=\"a\"} 7"));
}

TEST_F(StoreTest, TheVersionRisesOnlyWhenThePageWouldDiffer) {
  append(host, at(0), {{&a, 1}});
  const auto first = store.version();
  append(host, at(5), {{&a, 1}});
  EXPECT_EQ(store.version(), first);
  append(host, at(10), {{&a, 2}});
  const auto second = store.version();
  EXPECT_GT(second, first);
  store.mark_stale(host, at(15));
  EXPECT_GT(store.version(), second);
}

TEST(StoreBudget, EvictsTheOldestSamplesAndCountsThem) {
  Catalog catalog({}, {});
  Store store(catalog, {24h, 64 << 10});
  const auto source = store.add_source("host");
  std::vector<SeriesHandle> series;
  for (int i = 0; i < 8; ++i) series.push_back(catalog.series(load, {{"cpu", std::to_string(i)}}));
  double noise = 0.5;
  for (int i = 0; i < 5000; ++i) {
    Batch batch;
    for (const auto& one : series) {
      noise = std::fmod(noise * 3.9 * (1 - noise), 1.0);
      batch.add(one, noise);
    }
    store.append(source, at(i), batch);
  }
  EXPECT_LE(store.history_bytes(), std::size_t{64} << 10);
  EXPECT_GT(store.samples_evicted(), 0U);
  std::size_t kept = 0;
  for (const auto& one : series) {
    std::vector<Point> points;
    store.range(one.id(), at(-1), at(5000), points);
    ASSERT_FALSE(points.empty());
    EXPECT_EQ(points.back().time, at(4999));
    for (std::size_t i = 1; i < points.size(); ++i) ASSERT_EQ(points[i].time - points[i - 1].time, 1s);
    kept += points.size();
  }
  EXPECT_EQ(kept + store.samples_evicted(), store.samples_appended());
}

TEST(StoreThreads, AWriterGoesOnWhileALongRangeIsRead) {
  Catalog catalog({}, {});
  Store store(catalog, {24h, std::size_t{64} << 20});
  const SourceId source = store.add_source("host");
  const auto series = catalog.series(load, {});
  Batch batch;
  std::int64_t written = 0;
  const auto write = [&] {
    batch.clear();
    batch.add(series, static_cast<double>(written % 1000) / 7);
    store.append(source, at(written++), batch);
  };
  while (written < 100'000) write();
  std::atomic<std::int64_t> appends{0};
  std::atomic<bool> done{false};
  std::thread reader([&] {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    std::vector<Point> points;
    while (!done && std::chrono::steady_clock::now() < deadline) {
      const std::int64_t before = appends;
      points.clear();
      store.range(series.id(), at(-1), at(99'999), points);
      ASSERT_EQ(points.size(), 100'000U);
      if (appends - before >= 100) done = true;
    }
    EXPECT_TRUE(done) << "no range was read during which 100 passes were taken in";
    done = true;
  });
  for (; !done; ++appends) write();
  reader.join();
}

// One writer, several readers, series coming and going: no reader ever sees a value of another series, or a torn page.
TEST(StoreThreads, ReadersSeeOnlyWhatWasWritten) {
  Catalog catalog({}, {});
  Store store(catalog, {2s, std::size_t{1} << 20});
  const SourceId source = store.add_source("host");
  std::atomic<bool> done{false};
  std::thread writer([&] {
    std::vector<SeriesHandle> series;
    for (int pass = 0; pass < 1500; ++pass) {
      if (series.size() > 20) series.erase(series.begin());
      series.push_back(catalog.series(load, {{"value", std::to_string(pass)}}));
      Batch batch;
      for (std::size_t i = 0; i < series.size(); ++i) {
        batch.add(series[i], std::stod(std::string(catalog.info(series[i].id())->labels.get("value"))));
      }
      store.append(source, at(pass), batch);
      store.expire(at(pass));
    }
    done = true;
  });
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&] {
      while (!done) {
        for (const auto& one : store.snapshot()) {
          ASSERT_EQ(std::to_string(static_cast<int>(one.last.value)), one.info->labels.get("value"));
        }
        for (const SeriesId id : catalog.select({})) {
          const auto info = catalog.info(id);
          std::vector<Point> points;
          store.range(id, at(-1), at(10'000), points);
          if (!info) continue;
          for (const auto& point : points) {
            ASSERT_EQ(std::to_string(static_cast<int>(point.value)), info->labels.get("value"));
          }
        }
      }
    });
  }
  writer.join();
  for (auto& reader : readers) reader.join();
  EXPECT_LT(catalog.size(), 60U);
}

}  // namespace
}  // namespace sidewatch
