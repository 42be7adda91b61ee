#include "base/time.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

TEST(Time, WritesWallTimeAsRfc3339WithMilliseconds) {
  EXPECT_EQ(to_rfc3339(WallTime(0ms)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_rfc3339(WallTime(1'772'366'400'250ms)), "2026-03-01T12:00:00.250Z");
  EXPECT_EQ(to_rfc3339(WallTime(-1ms)), "1969-12-31T23:59:59.999Z");
}

TEST(Time, SpeaksDurationsInTheirTwoLargestUnits) {
  EXPECT_EQ(to_words(0ms), "0ms");
  EXPECT_EQ(to_words(250ms), "250ms");
  EXPECT_EQ(to_words(45s), "45s");
  EXPECT_EQ(to_words(12min), "12m");
  EXPECT_EQ(to_words(12min + 5s), "12m 5s");
  EXPECT_EQ(to_words(90min), "1h 30m");
  EXPECT_EQ(to_words(76h + 10s), "3d 4h");
  EXPECT_EQ(to_words(72h + 10s), "3d");
}

TEST(Time, ReadsRfc3339InAnyZone) {
  const auto ms = [](std::string_view text) -> std::int64_t {
    const auto wall = from_rfc3339(text);
    return wall ? wall->time_since_epoch().count() : -1;
  };
  EXPECT_EQ(ms("1970-01-01T00:00:01Z"), 1000);
  EXPECT_EQ(ms("2026-03-01T12:00:00.25Z"), 1'772'366'400'250);
  EXPECT_EQ(ms("2026-03-01T13:30:00.2509999+01:30"), 1'772'366'400'250);
  EXPECT_EQ(ms("2026-03-01t04:00:00.250-08:00"), 1'772'366'400'250);
  EXPECT_EQ(to_rfc3339(*from_rfc3339("2024-02-29T23:59:59.999Z")), "2024-02-29T23:59:59.999Z");
  for (const char* wrong : {"", "2026-03-01", "2026-03-01T12:00:00", "2026-03-01 12:00:00Z", "2026-02-29T12:00:00Z",
                            "2026-13-01T12:00:00Z", "2026-03-01T24:00:00Z", "2026-03-01T12:60:00Z",
                            "2026-03-01T12:00:00.Z", "2026-03-01T12:00:00Zx", "2026-03-01T12:00:00+0100", "1772366400"}) {
    EXPECT_EQ(from_rfc3339(wrong), std::nullopt) << wrong;
  }
}

TEST(Time, WallTimeFollowsTheTimelineByTheStep) {
  const Time time = time_at_ms(1000);
  EXPECT_EQ(to_wall(time, 500ms), WallTime(1500ms));
  EXPECT_EQ(from_wall(WallTime(1500ms), 500ms), time);
}

TEST(Time, SystemClockStartsAtTheWallClockAndDoesNotGoBack) {
  const SystemClock clock;
  const Time first = clock.now();
  const auto wall = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  EXPECT_LT(std::chrono::abs(wall - to_wall(first, clock.wall_step())), 2s);
  EXPECT_GE(clock.now(), first);
}

TEST(SystemClock, StepsOnlyWhenTheWallClockIsSet) {
  const SystemClock clock;
  std::map<std::int64_t, int> steps;
  for (int i = 0; i < 20'000; ++i) ++steps[clock.wall_step().count()];
  EXPECT_LE(steps.size(), 2u);  // a test may be interrupted between two readings, but not time and again
  EXPECT_GE(steps[0], 19'000);
}

TEST(Time, BootPositionNamesThisBoot) {
  const BootPosition position = read_boot_position();
  EXPECT_EQ(position.boot_id.size(), 36u);
  EXPECT_GT(position.boot_time_ms, 0);
}

}  // namespace
}  // namespace sidewatch
