#include "alerting/sample_times.h"

#include <gtest/gtest.h>

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

class SampleTimesTest : public testing::Test {
 protected:
  void deliver(const char* metric, const Labels& labels, int at_second) {
    Batch batch;
    handles_.push_back(catalog_.series(Metric{metric, MetricType::gauge, "", "A number."}, labels));
    batch.add(handles_.back(), 1);
    store_.append(store_.add_source(metric + labels.to_string()), second(at_second), batch);
  }
  static Time second(int number) { return time_at_ms(1'000'000 + 1000 * std::int64_t{number}); }

  SampleTimes times_of(const std::string& expression) {
    SampleTimes times(promql::Expression::parse(expression).value());
    times.update(store_, second(100), 5min);
    return times;
  }

  Catalog catalog_{Catalog::Limits{}, Labels{}};
  Store store_{catalog_, Store::Limits{}};
  std::vector<SeriesHandle> handles_;
};

const Labels a{{"device", "a"}};
const Labels b{{"device", "b"}};

TEST_F(SampleTimesTest, AnEntityHasTheTimeOfTheSeriesWithItsLabels) {
  deliver("load", a, 10);
  deliver("load", b, 20);
  const SampleTimes times = times_of("load");
  EXPECT_EQ(times.of(a, second(0)), second(10));
  EXPECT_EQ(times.of(b, second(0)), second(20));
  EXPECT_EQ(times.of(Labels{}, second(0)), second(20)) << "any other has the newest";
}

TEST_F(SampleTimesTest, SelectorsAreFoundWhereverTheyStand) {
  deliver("load", a, 10);
  for (const char* expression :
       {"rate(load[1m])", "avg_over_time(load[1m:5s])", "sum by (device) (load)", "-load", "(load)", "clamp(load, 0, scalar(load))",
        "topk(1, load)", "load - on (device) load / ignoring () load", "label_replace(load, \"x\", \"y\", \"device\", \"z\")",
        "max_over_time(sum(rate(load[1m]))[10m:])"}) {
    const SampleTimes times = times_of(expression);
    EXPECT_TRUE(times.any()) << expression;
    EXPECT_EQ(times.of(a, second(0)), second(10)) << expression;
  }
}

TEST_F(SampleTimesTest, WhatSelectsNothingHasTheTimeThatIsGiven) {
  deliver("load", a, 10);
  for (const char* expression : {"vector(1)", "time()", "other", "load{device=\"c\"}", "label_replace(vector(1), \"x\", \"load\", \"\", \"\")"}) {
    const SampleTimes times = times_of(expression);
    EXPECT_FALSE(times.any()) << expression;
    EXPECT_EQ(times.of(a, second(7)), second(7)) << expression;
  }
}

TEST_F(SampleTimesTest, ASeriesThatComesLaterCounts) {
  SampleTimes times(promql::Expression::parse("load").value());
  times.update(store_, second(0), 5min);
  EXPECT_FALSE(times.any());
  deliver("load", a, 10);
  times.update(store_, second(11), 5min);
  EXPECT_EQ(times.of(a, second(0)), second(10));
  times.update(store_, second(10) + 6min, 5min);
  EXPECT_FALSE(times.any()) << "too old to be looked at";
}

}  // namespace
}  // namespace sidewatch
