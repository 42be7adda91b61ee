#include "alerting/mute_calendar.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string_view>

#include "tests/alerting/mutes/mute_times_fixture.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

WallTime at(std::string_view text) { return from_rfc3339(text).value(); }

MuteTime named(const std::string& name, const std::string& times) {
  MuteTime mute = mute_time("UTC", times);
  mute.name = name;
  return mute;
}

TEST(MuteCalendar, SaysAtEveryMinuteWhatTheMuteTimeItselfSays) {
  const MuteTime lunch = named("lunch", "[{days: [mon-fri], from: \"12:00\", to: \"13:00\"}]");
  MuteCalendar calendar;
  calendar.replace({lunch, named("always", "[{days: [mon-sun]}]")});
  const WallTime monday = at("2026-11-16T00:00:00Z");
  for (WallTime now = monday; now < monday + 24h * 8; now += 1min) {
    ASSERT_EQ(calendar.until("lunch", now), muted_until(lunch, now)) << to_rfc3339(now);
    ASSERT_TRUE(calendar.until("always", now));
  }
}

TEST(MuteCalendar, IsNotMisledByAClockThatIsSetBack) {
  MuteCalendar calendar;
  calendar.replace({named("lunch", "[{from: \"12:00\", to: \"13:00\"}]")});
  EXPECT_EQ(calendar.until("lunch", at("2026-11-16T14:00:00Z")), std::nullopt);
  EXPECT_EQ(calendar.until("lunch", at("2026-11-16T12:30:00Z")), at("2026-11-16T13:00:00Z"));
}

TEST(MuteCalendar, KnowsOnlyWhatAReloadLeftThere) {
  MuteCalendar calendar;
  calendar.replace({named("always", "[{days: [mon-sun]}]")});
  EXPECT_TRUE(calendar.until("always", at("2026-11-16T14:00:00Z")));
  EXPECT_EQ(calendar.until("never named", at("2026-11-16T14:00:00Z")), std::nullopt);
  calendar.replace({});
  EXPECT_EQ(calendar.until("always", at("2026-11-16T14:00:00Z")), std::nullopt);
}

}  // namespace
}  // namespace sidewatch
