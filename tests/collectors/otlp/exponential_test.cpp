#include "collectors/otlp/exponential.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace sidewatch::otlp {
namespace {

using testing::ElementsAre;

ClassicBuckets written(const ExponentialBuckets& buckets) {
  ClassicBuckets out;
  buckets.write(out);
  return out;
}

ExponentialPoint point_of(std::int64_t scale, std::int64_t offset, std::vector<std::uint64_t> counts) {
  ExponentialPoint point;
  point.scale = scale;
  point.positive = {offset, std::move(counts)};
  return point;
}

TEST(ExponentialBuckets, HaveTheBoundsOfTheirScale) {
  ExponentialBuckets buckets(0);
  auto point = point_of(0, -1, {3, 0, 5});  // up to 1, up to 2, up to 4
  point.zero_count = 2;
  buckets.add(point);
  const auto classic = written(buckets);
  EXPECT_THAT(classic.bounds, ElementsAre(0, 1, 2, 4));
  EXPECT_THAT(classic.counts, ElementsAre(2, 5, 5, 10));
}

TEST(ExponentialBuckets, JoinFinerOnesWholeAlsoBelowOne) {
  ExponentialBuckets buckets(0);
  // Scale 2: four per doubling. Indices -5 | -4 -3 -2 -1 | 0 become -2 | -1 | 0.
  buckets.add(point_of(2, -5, {1, 1, 1, 1, 1, 1}));
  const auto classic = written(buckets);
  EXPECT_THAT(classic.bounds, ElementsAre(0, 0.5, 1, 2));
  EXPECT_THAT(classic.counts, ElementsAre(0, 1, 5, 6));
}

TEST(ExponentialBuckets, PutEveryValueIntoABucketThatHoldsIt) {
  for (int scale = 0; scale <= 10; ++scale) {
    for (const double value : {0.0011, 0.3, 0.99, 1.01, 7.0, 12345.6}) {
      const auto index = static_cast<std::int64_t>(std::ceil(std::log2(value) * std::exp2(scale))) - 1;
      ExponentialBuckets buckets(1);
      buckets.add(point_of(scale, index, {1}));
      const auto classic = written(buckets);
      EXPECT_GE(classic.bounds.back(), value * (1 - 1e-9)) << scale << " " << value;
      EXPECT_LE(classic.bounds.back(), value * 2.000001) << scale << " " << value;
      EXPECT_THAT(classic.counts.back(), 1);
    }
  }
}

TEST(ExponentialBuckets, OrderNegativeValuesFromTheFarthestUp) {
  ExponentialBuckets buckets(0);
  auto point = point_of(0, 0, {4});
  point.negative = {0, {1, 2}};  // -2 to -1, and -4 to -2
  point.zero_count = 3;
  buckets.add(point);
  const auto classic = written(buckets);
  EXPECT_THAT(classic.bounds, ElementsAre(-2, -1, 0, 2));
  EXPECT_THAT(classic.counts, ElementsAre(2, 3, 6, 10));
}

TEST(ExponentialBuckets, AddUpWhatComesAtOtherScales) {
  ExponentialBuckets buckets(3);
  buckets.add(point_of(3, 0, {1}));
  buckets.add(point_of(0, 0, {1}));
  buckets.add(point_of(5, 63, {1}));  // up to 4, at scale 0 index 1
  const auto classic = written(buckets);
  EXPECT_THAT(classic.bounds, ElementsAre(0, 2, 4));
  EXPECT_THAT(classic.counts, ElementsAre(0, 2, 3));
}

TEST(ExponentialBuckets, StayFewHoweverFarApartTheyAre) {
  ExponentialBuckets buckets(3);
  buckets.add(point_of(3, -(std::int64_t{1} << 31), {1}));
  buckets.add(point_of(3, (std::int64_t{1} << 31) - 1, {1}));
  const auto classic = written(buckets);
  EXPECT_LE(classic.bounds.size(), max_classic_buckets + 1);
  for (std::size_t i = 1; i < classic.bounds.size(); ++i) EXPECT_LT(classic.bounds[i - 1], classic.bounds[i]);
}

TEST(ExponentialBuckets, KnowWhatTheyCannotUse) {
  EXPECT_TRUE(ExponentialBuckets::is_usable(point_of(20, 0, {1})));
  EXPECT_FALSE(ExponentialBuckets::is_usable(point_of(25, 0, {1})));
  EXPECT_FALSE(ExponentialBuckets::is_usable(point_of(-12, 0, {1})));
  EXPECT_FALSE(ExponentialBuckets::is_usable(point_of(0, std::int64_t{1} << 40, {1})));
  auto point = point_of(0, 0, {1});
  point.zero_threshold = -1;
  EXPECT_FALSE(ExponentialBuckets::is_usable(point));
}

}  // namespace
}  // namespace sidewatch::otlp
