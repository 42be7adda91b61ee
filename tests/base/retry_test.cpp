#include "base/retry.h"

#include <gtest/gtest.h>

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

const RetryPolicy policy;

Duration delay(std::int64_t failures, double random, std::optional<Duration> asked = {}) {
  return retry_delay(policy, failures, asked, [random] { return random; });
}

TEST(Retry, WaitsBetweenASecondAndTwiceAsLongForEachFailure) {
  EXPECT_EQ(delay(1, 0.0), 1s);
  EXPECT_EQ(delay(1, 0.5), 1500ms);
  EXPECT_EQ(delay(3, 0.0), 1s);
  EXPECT_EQ(delay(3, 0.5), 4500ms);
  EXPECT_LT(delay(3, 0.999), 8s);
}

TEST(Retry, NeverWaitsLongerThanFiveMinutesOfItsOwn) {
  for (const std::int64_t failures : {9, 20, 63, 64, 1'000'000}) {
    EXPECT_GT(delay(failures, 0.999), 4min) << failures;
    EXPECT_LE(delay(failures, 0.999), 5min) << failures;
  }
}

TEST(Retry, HonoursWhatTheReceiverAskedForUpToAnHour) {
  EXPECT_EQ(delay(1, 0.0, 30s), 30s);
  EXPECT_EQ(delay(1, 0.5, 30s), 30500ms);
  EXPECT_EQ(delay(9, 0.0, 0s), 0s);
  EXPECT_EQ(delay(1, 0.0, 24h * 3650), 1h);
  EXPECT_EQ(delay(1, 0.0, -5s), 0s);
}

}  // namespace
}  // namespace sidewatch
