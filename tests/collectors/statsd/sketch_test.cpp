// That a quantile is within one percent of the true one, whatever the values.
#include "collectors/statsd/sketch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace sidewatch::statsd {
namespace {

constexpr double kQs[] = {0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1};
constexpr double tolerance = Sketch::relative_error * (1 + 1e-9);

// Of the value that is the quantile, from 0.
std::size_t rank(double q, std::size_t count) {
  return static_cast<std::size_t>(std::max(std::ceil(q * static_cast<double>(count)), 1.0)) - 1;
}

void expect_true_quantiles(const Sketch& sketch, std::vector<double> values) {
  std::sort(values.begin(), values.end());
  for (const double q : kQs) {
    const double exact = values[rank(q, values.size())];
    EXPECT_LE(std::fabs(sketch.quantile(q) - exact), tolerance * std::fabs(exact)) << q << " is " << exact;
  }
}

std::vector<double> drawn(std::uint64_t seed, double spread, bool signs) {
  std::mt19937_64 engine(seed);
  std::lognormal_distribution<double> values(static_cast<double>(seed % 7), spread);
  std::vector<double> all;
  for (int i = 0; i < 5000; ++i) all.push_back(values(engine) * (signs && engine() % 3 == 0 ? -1 : 1));
  if (signs) all.insert(all.end(), 50, 0.0);
  return all;
}

TEST(Sketch, GivesQuantilesWithinOnePercent) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto values = drawn(seed, 0.1 * static_cast<double>(seed), seed % 2 == 0);
    Sketch sketch;
    for (const double value : values) sketch.add(value);
    expect_true_quantiles(sketch, values);
    EXPECT_EQ(sketch.count(), static_cast<double>(values.size()));
    EXPECT_EQ(sketch.min(), *std::min_element(values.begin(), values.end()));
    EXPECT_EQ(sketch.max(), *std::max_element(values.begin(), values.end()));
  }
}

TEST(Sketch, KeepsEveryMagnitudeOfANumberWithinOnePercent) {
  for (double value = 1e-300; value < 1e300; value *= 1.0137) {
    Sketch sketch;
    sketch.add(value / 2);
    sketch.add(value);
    sketch.add(value * 2);
    EXPECT_LE(std::fabs(sketch.quantile(0.5) - value), tolerance * value) << value;
  }
}

TEST(Sketch, MergedIsAsIfAllHadGoneIntoOne) {
  const auto first = drawn(3, 1, true);
  const auto second = drawn(4, 2, true);
  Sketch left;
  Sketch right;
  Sketch whole;
  for (const double value : first) left.add(value), whole.add(value);
  for (const double value : second) right.add(value), whole.add(value);
  left.merge(right);
  for (const double q : kQs) EXPECT_EQ(left.quantile(q), whole.quantile(q)) << q;
  EXPECT_EQ(left.count(), whole.count());
  EXPECT_EQ(left.min(), whole.min());
  EXPECT_EQ(left.max(), whole.max());
  EXPECT_NEAR(left.sum(), whole.sum(), 1e-6 * std::fabs(whole.sum()));
}

TEST(Sketch, LetsAValueStandForMany) {
  Sketch sketch;
  sketch.add(1, 90);
  sketch.add(100, 10);
  EXPECT_EQ(sketch.count(), 100);
  EXPECT_EQ(sketch.sum(), 1090);
  EXPECT_NEAR(sketch.quantile(0.5), 1, tolerance);
  EXPECT_NEAR(sketch.quantile(0.95), 100, 100 * tolerance);
}

TEST(Sketch, StaysSmallAndKeepsTheHighQuantilesWhenTheRangeIsWiderThanItCanHold) {
  Sketch sketch;
  std::vector<double> values;
  for (double value = 1e-200; value < 1e200; value *= 1.5) {
    sketch.add(value);
    values.push_back(value);
  }
  EXPECT_LE(sketch.bytes(), 3 * Sketch::max_buckets * sizeof(double));
  for (const double q : {0.99, 0.999, 1.0}) {
    const double exact = values[rank(q, values.size())];
    EXPECT_NEAR(sketch.quantile(q), exact, tolerance * exact) << q;
  }
}

TEST(Sketch, EmptyHasNoQuantileAndClearedIsEmpty) {
  Sketch sketch;
  EXPECT_TRUE(std::isnan(sketch.quantile(0.5)));
  sketch.add(5);
  sketch.clear();
  EXPECT_TRUE(sketch.empty());
  EXPECT_TRUE(std::isnan(sketch.quantile(0.5)));
  sketch.add(-7);
  EXPECT_EQ(sketch.min(), -7);
  EXPECT_EQ(sketch.max(), -7);
}

}  // namespace
}  // namespace sidewatch::statsd
