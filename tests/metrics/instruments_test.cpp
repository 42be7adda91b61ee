#include "metrics/instruments.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

namespace sidewatch {
namespace {

constexpr Metric runs{"sidewatch_runs_total", MetricType::counter, "", "Runs."};
constexpr Metric depth{"sidewatch_queue_depth", MetricType::gauge, "", "What waits."};

std::vector<std::string> seen(const Instruments& instruments) {
  std::vector<std::string> lines;
  instruments.visit([&](const Metric& metric, const Labels& labels, double value) {
    lines.push_back(std::string(metric.name) + labels.to_string() + " " + std::to_string(static_cast<int>(value)));
  });
  return lines;
}

TEST(Instruments, ShowEveryInstrumentWithItsPresentValue) {
  Instruments instruments;
  instruments.counter(runs, {{"collector", "host"}}).increment();
  instruments.gauge(depth).set(7);
  instruments.counter(runs, {{"collector", "host"}}).increment(2);
  EXPECT_EQ(seen(instruments),
            (std::vector<std::string>{"sidewatch_runs_total{collector=\"host\"} 3", "sidewatch_queue_depth{} 7"}));
  EXPECT_EQ(instruments.size(), 2U);
}

TEST(Instruments, TheSameMetricAndLabelsAreTheSameInstrument) {
  Instruments instruments;
  EXPECT_EQ(&instruments.counter(runs, {{"a", "1"}, {"b", "2"}}), &instruments.counter(runs, {{"b", "2"}, {"a", "1"}}));
  EXPECT_NE(&instruments.counter(runs, {{"a", "1"}}), &instruments.counter(runs, {{"a", "2"}}));
}

TEST(Instruments, ACounterIgnoresWhatWouldSpoilIt) {
  Instruments instruments;
  Counter& counter = instruments.counter(runs);
  counter.increment(5);
  counter.increment(-1);
  counter.increment(std::nan(""));
  counter.increment(std::numeric_limits<double>::infinity());
  EXPECT_EQ(counter.value(), 5);
}

TEST(Instruments, AGaugeMayBeUnknown) {
  Instruments instruments;
  Gauge& gauge = instruments.gauge(depth);
  gauge.set(std::nan(""));
  EXPECT_TRUE(std::isnan(gauge.value()));
  gauge.set(-2);
  EXPECT_EQ(gauge.value(), -2);
}

TEST(Instruments, KeepTheirOwnCopyOfWhatDescribesThem) {
  Instruments instruments;
  {
    const std::string name = "sidewatch_temporary_name_that_is_long_total";
    const std::string help = "A help text that is gone before the visit.";
    instruments.counter({name, MetricType::counter, "", help}).increment();
  }
  instruments.visit([](const Metric& metric, const Labels&, double) {
    EXPECT_EQ(metric.name, "sidewatch_temporary_name_that_is_long_total");
    EXPECT_EQ(metric.help, "A help text that is gone before the visit.");
  });
}

TEST(Instruments, AVisitorMayMakeAnotherInstrument) {
  Instruments instruments;
  instruments.counter(runs).increment();
  int visited = 0;
  instruments.visit([&](const Metric&, const Labels&, double) {
    ++visited;
    instruments.gauge(depth).set(1);
  });
  EXPECT_EQ(visited, 2);
}

TEST(Instruments, LoseNoCountBetweenThreads) {
  Instruments instruments;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) instruments.counter(runs, {{"a", "1"}}).increment();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(instruments.counter(runs, {{"a", "1"}}).value(), 4000);
}

// The library would throw in each of these cases.
TEST(InstrumentsDeathTest, ABadNameABadLabelOrASecondTypeIsABugAndNeverAnException) {
  Instruments instruments;
  instruments.counter(runs);
  EXPECT_DEBUG_DEATH(instruments.counter({"not legal", MetricType::counter, "", ""}).increment(), "legal name");
  const Metric other{"x_total", MetricType::counter, "", ""};
  EXPECT_DEBUG_DEATH(instruments.counter(other, {{"__x", "1"}}).increment(), "legal labels");
  EXPECT_DEBUG_DEATH(instruments.gauge({"sidewatch_runs_total", MetricType::gauge, "", ""}).set(1), "type");
  EXPECT_DEBUG_DEATH(instruments.gauge(runs).set(1), "type");
  EXPECT_EQ(instruments.size(), 1U);
}

}  // namespace
}  // namespace sidewatch
