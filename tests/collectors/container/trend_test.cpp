#include "collectors/container/trend.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

namespace sidewatch::container {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

// A trend after `seconds`, fed every five of them with value(second).
Trend after(int seconds, const std::function<double(double)>& value, int every = 5) {
  Trend trend;
  for (int at = 0; at <= seconds; at += every) trend.add(time_at_ms(1'000'000 + at * 1000), value(at));
  return trend;
}

TEST(Trend, SaysWhenASteadyRiseReachesTheLimit) {
  const auto rising = after(600, [](double at) { return 100 + at; });
  EXPECT_NEAR(rising.seconds_to(1000).value(), 300, 0.001);  // 700 now, one more each second
  const auto slow_passes = after(600, [](double at) { return 100 + at; }, 60);
  EXPECT_NEAR(slow_passes.seconds_to(1000).value(), 300, 0.001);
}

TEST(Trend, SaysInfinityWhileNothingRises) {
  EXPECT_EQ(after(600, [](double) { return 500; }).seconds_to(1000), infinite);
  EXPECT_EQ(after(600, [](double at) { return 900 - at; }).seconds_to(1000), infinite);
}

TEST(Trend, DoesNotTakeASawtoothForARise) {
  const auto sawtooth = [](double at) { return 300 + std::fmod(at, 60) * 5 + at * 0.05; };
  EXPECT_EQ(after(600, sawtooth).seconds_to(1000), infinite);
}

TEST(Trend, DoesNotTakeASingleStepForARise) {
  const auto step = [](double at) { return at < 1000 ? 400 : 600; };
  for (int seconds = 1060; seconds <= 1700; seconds += 15) {
    EXPECT_EQ(after(seconds, step).seconds_to(1000), infinite) << seconds - 1000 << " seconds after it";
  }
}

TEST(Trend, DoesNotTakeATrickleForARise) {
  EXPECT_EQ(after(600, [](double at) { return 500 + at * 0.005; }).seconds_to(1000), infinite) << "3 of 1000";
  EXPECT_LT(after(600, [](double at) { return 500 + at * 0.02; }).seconds_to(1000), 1e6) << "12 of 1000";
}

TEST(Trend, SeesARiseThroughNoise) {
  const auto noisy = after(600, [](double at) { return 100 + at + 20 * std::sin(at); });
  EXPECT_NEAR(noisy.seconds_to(1000).value(), 300, 60);
}

TEST(Trend, SaysNothingBeforeItHasSeenEnough) {
  const auto rise = [](double at) { return 100 + at; };
  EXPECT_EQ(Trend().seconds_to(1000), std::nullopt);
  EXPECT_EQ(after(115, rise).seconds_to(1000), std::nullopt);
  EXPECT_TRUE(after(120, rise).seconds_to(1000));
  EXPECT_EQ(after(150, rise, 150).seconds_to(1000), std::nullopt) << "two points make no trend";
  Trend cleared = after(600, rise);
  cleared.clear();
  EXPECT_EQ(cleared.seconds_to(1000), std::nullopt);
}

TEST(Trend, ForgetsWhatIsOlderThanItsWindow) {
  const auto turned = [](double at) { return at < 1000 ? 10'000 - at : 9000 + (at - 1000) / 4; };
  EXPECT_NEAR(after(1600, turned).seconds_to(10'000).value(), 3400, 1);  // 9150 now, a quarter per second
  EXPECT_EQ(after(1060, turned).seconds_to(10'000), infinite);
}

TEST(Trend, IsThereWhenTheLimitIs) {
  EXPECT_EQ(after(600, [](double at) { return 100 + at; }).seconds_to(700), 0);
  EXPECT_EQ(after(600, [](double) { return 500; }).seconds_to(400), 0);
}

TEST(Trend, StartsAnewAfterALongGap) {
  Trend trend = after(600, [](double at) { return 100 + at; });
  trend.add(time_at_ms(10'000'000), 100);
  EXPECT_EQ(trend.seconds_to(1000), std::nullopt);
}

}  // namespace
}  // namespace sidewatch::container
