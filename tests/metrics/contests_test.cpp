#include "metrics/contests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "metrics/store.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Metric orders{"orders", MetricType::counter, "", ""};

Time at(std::int64_t seconds) { return time_at_ms(1'000'000 + seconds * 1000); }

class ContestsTest : public ::testing::Test {
 protected:
  void append(SourceId source, std::int64_t seconds, std::vector<std::pair<const SeriesHandle*, double>> samples) {
    Batch batch;
    for (const auto& [series, value] : samples) batch.add(*series, value);
    store.append(source, at(seconds), batch);
  }
  std::optional<double> value(const SeriesHandle& series, std::int64_t seconds) const {
    const auto point = store.latest(series.id(), at(seconds), 5min);
    return point ? std::optional(point->value) : std::nullopt;
  }
  std::vector<std::string> contests() {
    std::vector<std::string> found;
    for (const auto& [metric, first, second] : store.take_contests()) {
      found.push_back(metric + ": " + first + ", " + second);
    }
    return found;
  }
  std::vector<std::string> lost(std::string_view source) const {
    std::vector<std::string> found;
    for (const auto& [series, to] : store.lost(source)) {
      found.push_back(catalog.info(series)->labels.to_string() + " " + to);
    }
    return found;
  }

  Catalog catalog{Catalog::Limits{.max_series_per_metric = 2}, Labels{}};
  Store store{catalog, Store::Limits{15min, std::size_t{1} << 20}};
  SourceId statsd = store.add_source("statsd");
  SourceId push = store.add_source("push");
  SeriesHandle a = catalog.series(orders, {{"kind", "a"}});
  SeriesHandle b = catalog.series(orders, {{"kind", "b"}});
};

TEST_F(ContestsTest, OfTwoSourcesThatWriteOneSeriesTheFirstCounts) {
  append(statsd, 0, {{&a, 1}});
  append(push, 0, {{&a, 10}, {&b, 20}});
  append(push, 1, {{&a, 11}, {&b, 21}});
  EXPECT_EQ(value(a, 1), 1);
  EXPECT_EQ(value(b, 1), 21) << "the other series of the metric is nobody else's";
  EXPECT_EQ(store.samples_contested(), 2U);
  EXPECT_EQ(store.samples_refused(), 0U);
  append(statsd, 2, {{&a, 2}});
  EXPECT_EQ(value(a, 2), 2);
}

TEST_F(ContestsTest, AreToldOnceForEachMetric) {
  EXPECT_THAT(contests(), IsEmpty());
  append(statsd, 0, {{&a, 1}, {&b, 2}});
  append(push, 0, {{&a, 10}, {&b, 20}});
  EXPECT_THAT(contests(), ElementsAre("orders: statsd, push"));
  append(push, 1, {{&a, 11}, {&b, 21}});
  EXPECT_THAT(contests(), IsEmpty());
}

TEST_F(ContestsTest, TheSecondHasTheSeriesOnceTheFirstLeavesItOut) {
  append(statsd, 0, {{&a, 1}});
  append(push, 1, {{&a, 10}});
  append(statsd, 2, {});
  EXPECT_FALSE(value(a, 2));
  append(push, 3, {{&a, 12}});
  EXPECT_EQ(value(a, 3), 12);
  append(statsd, 4, {{&a, 1}});
  EXPECT_EQ(value(a, 4), 12) << "now it is the first";
  append(statsd, 5, {});
  EXPECT_EQ(value(a, 5), 12) << "what never was its own it cannot end";
}

TEST_F(ContestsTest, TheSecondHasTheSeriesOnceTheFirstFailsOrIsGone) {
  append(statsd, 0, {{&a, 1}, {&b, 1}});
  store.mark_stale(statsd, at(1));
  append(push, 2, {{&a, 12}});
  EXPECT_EQ(value(a, 2), 12);
  store.remove_source(push, at(3));
  append(statsd, 3, {{&a, 3}});
  EXPECT_EQ(value(a, 3), 3);
  EXPECT_EQ(store.samples_contested(), 0U);
}

TEST_F(ContestsTest, ACollectorThatAReloadMadeAnewTakesItsSeriesOver) {
  append(statsd, 0, {{&a, 1}});
  store.remove_source(statsd, at(1));
  const SourceId anew = store.add_source("statsd");
  append(anew, 1, {{&a, 5}});
  EXPECT_EQ(value(a, 1), 5);
  EXPECT_THAT(contests(), IsEmpty());
}

TEST_F(ContestsTest, ASecondSourceDoesNotEndTheSeriesOfTheFirst) {
  append(statsd, 0, {{&a, 1}});
  append(push, 1, {{&a, stale_marker()}});
  EXPECT_EQ(value(a, 1), 1);
  EXPECT_EQ(store.samples_contested(), 0U);
}

TEST_F(ContestsTest, SaysWhatASourceLostInItsLastPassAndToWhom) {
  append(statsd, 0, {{&a, 1}});
  append(push, 0, {{&a, 10}, {&b, 20}});
  EXPECT_THAT(lost("push"), ElementsAre("{kind=\"a\"} statsd"));
  EXPECT_THAT(lost("statsd"), IsEmpty());
  EXPECT_THAT(lost("nobody"), IsEmpty());
  append(statsd, 1, {});
  append(push, 2, {{&a, 10}});
  EXPECT_THAT(lost("push"), IsEmpty());
}

TEST_F(ContestsTest, AnOverflowSeriesIsEverybodys) {
  const auto overflow = catalog.series(orders, {{"kind", "c"}});
  append(statsd, 0, {{&overflow, 1}});
  append(push, 1, {{&overflow, 2}});
  EXPECT_EQ(value(overflow, 1), 2);
  EXPECT_EQ(store.samples_contested(), 0U);
  EXPECT_THAT(contests(), IsEmpty());
}

TEST_F(ContestsTest, AreToldOfSoManyMetricsAndCountedOfAll) {
  Contests contests;
  for (std::size_t i = 0; i < Contests::max_told + 5; ++i) contests.add({}, "m" + std::to_string(i), "x", "y");
  EXPECT_EQ(contests.take().size(), Contests::max_told);
  EXPECT_EQ(contests.samples(), Contests::max_told + 5);
}

}  // namespace
}  // namespace sidewatch
