#include "base/time_zone.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>

namespace sidewatch {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using namespace std::chrono;
using Shown = LocalInstants::Shown;

WallTime utc(std::string_view text) { return from_rfc3339(text).value(); }

LocalTime clock(year_month_day date, minutes time) { return local_days(date) + time; }

ZoneClock zone(const std::string& name) {
  auto found = ZoneClock::named(name);
  EXPECT_TRUE(found) << name;
  return found ? *found : ZoneClock();
}

// A folder of its own, removed at the end.
class TimeZoneData : public ::testing::Test {
 protected:
  TimeZoneData() {
    std::string pattern = (fs::temp_directory_path() / "zones-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~TimeZoneData() override { fs::remove_all(folder_); }

  void write(const std::string& name, std::string_view content) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }

  std::string error_for(const std::string& name) {
    const auto found = ZoneClock::named(name, folder_.string());
    return found ? "" : found.error().what;
  }

  fs::path folder_;
};

TEST(ZoneClock, IsUtcUnlessItIsNamed) {
  EXPECT_EQ(ZoneClock().name(), "UTC");
  EXPECT_EQ(ZoneClock().local(utc("2026-07-01T12:34:56.789Z")), clock(2026y / 7 / 1, 12h + 34min) + 56s);
  EXPECT_EQ(ZoneClock().instants(clock(2026y / 7 / 1, 12h)).first, utc("2026-07-01T12:00:00Z"));
}

TEST(ZoneClock, ShowsWhatTheClockShows) {
  EXPECT_EQ(zone("Europe/Berlin").local(utc("2026-01-15T12:00:00Z")), clock(2026y / 1 / 15, 13h));
  EXPECT_EQ(zone("Europe/Berlin").local(utc("2026-07-15T12:00:00Z")), clock(2026y / 7 / 15, 14h));
  EXPECT_EQ(zone("America/New_York").local(utc("2026-01-01T03:00:00Z")), clock(2025y / 12 / 31, 22h));
  EXPECT_EQ(zone("Asia/Kathmandu").local(utc("2026-01-01T00:00:00Z")), clock(2026y / 1 / 1, 5h + 45min));
}

TEST(ZoneClock, RoundsDownAlsoBefore1970) {
  EXPECT_EQ(ZoneClock().local(WallTime(-1ms)), clock(1969y / 12 / 31, 24h) - 1s);
  EXPECT_EQ(zone("Europe/Berlin").local(WallTime(-1ms)), clock(1970y / 1 / 1, 1h) - 1s);
}

TEST(ZoneClock, GivesTheJumpForAnHourThatIsSkipped) {
  const auto found = zone("Europe/Berlin").instants(clock(2026y / 3 / 29, 2h + 30min));
  EXPECT_EQ(found.shown, Shown::never);
  EXPECT_EQ(found.first, utc("2026-03-29T01:00:00Z"));
  EXPECT_EQ(found.last, utc("2026-03-29T01:00:00Z"));
}

TEST(ZoneClock, GivesBothInstantsOfAnHourThatIsShownTwice) {
  const auto found = zone("Europe/Berlin").instants(clock(2026y / 10 / 25, 2h + 30min));
  EXPECT_EQ(found.shown, Shown::twice);
  EXPECT_EQ(found.first, utc("2026-10-25T00:30:00Z"));
  EXPECT_EQ(found.last, utc("2026-10-25T01:30:00Z"));
  const auto behind = zone("Europe/Berlin").instants(clock(2026y / 10 / 25, 3h));
  EXPECT_EQ(behind.shown, Shown::once);
  EXPECT_EQ(behind.first, utc("2026-10-25T02:00:00Z"));
}

TEST(ZoneClock, KnowsADayThatNeverWas) {
  const auto found = zone("Pacific/Apia").instants(clock(2011y / 12 / 30, 12h));
  EXPECT_EQ(found.shown, Shown::never);
  EXPECT_EQ(found.first, utc("2011-12-30T10:00:00Z"));
}

TEST(ZoneClock, GoesOnByTheRuleBehindTheListedYears) {
  EXPECT_EQ(zone("Europe/Berlin").local(utc("2061-07-15T12:00:00Z")), clock(2061y / 7 / 15, 14h));
}

TEST(ZoneClock, ThereAndBackAgainIsTheSameInstant) {
  for (const char* name : {"Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "America/Havana", "UTC"}) {
    const ZoneClock there = zone(name);
    for (WallTime at = utc("2025-01-01T00:00:00Z"); at < utc("2027-01-01T00:00:00Z"); at += 17min) {
      const auto back = there.instants(there.local(at));
      ASSERT_TRUE(back.first == at || back.last == at) << name << " " << to_rfc3339(at);
      ASSERT_EQ(back.shown == Shown::twice, back.first < back.last) << name << " " << to_rfc3339(at);
      ASSERT_NE(back.shown, Shown::never) << name << " " << to_rfc3339(at);
    }
  }
}

TEST_F(TimeZoneData, IsAskedForWhereItIsMissing) {
  const auto found = ZoneClock::named("Europe/Berlin", (folder_ / "zoneinfo").string());
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().what,
            "there is no time zone data on this machine: " + (folder_ / "zoneinfo").string() +
                " is missing. Install the package tzdata (in a container: add it to the image, or mount that folder from "
                "the host), or use UTC, which needs none");
}

TEST_F(TimeZoneData, IsNotNeededForUtc) {
  const auto found = ZoneClock::named("UTC", (folder_ / "zoneinfo").string());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->local(utc("2026-07-15T12:00:00Z")), clock(2026y / 7 / 15, 12h));
}

TEST_F(TimeZoneData, HasNoZoneOfAnotherName) {
  const std::string none = "there is no such time zone in " + folder_.string() +
                           ": name one like Europe/Berlin or America/New_York";
  write("Europe/notes.txt", "no zone");
  write("empty", "");
  for (const std::string name : {"Europe/Berln", "Europe", "Europe/notes.txt", "empty", "", "../etc/passwd", "/etc/passwd",
                                 "CEST", "UTC+2", "Europe/Berlin ", "file:x"}) {
    EXPECT_EQ(error_for(name), none) << name;
  }
}

TEST_F(TimeZoneData, IsNotTrustedWhenItIsBroken) {
  write("Europe/Broken", "TZif2 and then nothing that makes sense");
  EXPECT_EQ(error_for("Europe/Broken"),
            "there is no such time zone in " + folder_.string() + ": name one like Europe/Berlin or America/New_York");
}

TEST_F(TimeZoneData, IsSeenAsSoonAsItIsInstalled) {
  EXPECT_NE(error_for("Europe/Berlin"), "");
  fs::create_directories(folder_ / "Europe");
  fs::copy_file("/usr/share/zoneinfo/Europe/Berlin", folder_ / "Europe/Berlin");
  EXPECT_EQ(error_for("Europe/Berlin"), "");
}

TEST(ZoneClock, RefusesTheMachinesOwn) {
  for (const std::string name : {"Local", "local", "localtime", "posixrules"}) {
    const auto found = ZoneClock::named(name);
    ASSERT_FALSE(found) << name;
    EXPECT_EQ(found.error().what,
              "the machine's own time zone is another one in a container or on the next machine: name the zone, like "
              "Europe/Berlin");
  }
}

TEST(ZoneClock, ListsTheNamesThatItTakes) {
  const auto names = ZoneClock::names();
  EXPECT_GT(names.size(), 300u);
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  for (const std::string name : {"Europe/Berlin", "America/Argentina/Buenos_Aires", "UTC"}) {
    EXPECT_TRUE(std::binary_search(names.begin(), names.end(), name)) << name;
  }
  for (const std::string name : {"localtime", "right/Europe/Berlin", "posix/Europe/Berlin", "tzdata.zi", "zone.tab"}) {
    EXPECT_FALSE(std::binary_search(names.begin(), names.end(), name)) << name;
  }
  for (const auto& name : names) EXPECT_TRUE(ZoneClock::named(name)) << name;
}

}  // namespace
}  // namespace sidewatch
