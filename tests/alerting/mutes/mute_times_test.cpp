#include "alerting/mute_times.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string_view>

#include "tests/alerting/mutes/mute_times_fixture.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

WallTime at(std::string_view text) { return from_rfc3339(text).value(); }

std::string told(const std::optional<WallTime>& time) { return time ? to_rfc3339(*time).substr(0, 16) : "never"; }

// 2026-11-21 is a Saturday; Berlin is one hour ahead of UTC in November.

TEST(MuteTimes, MuteFromTheFirstMinuteUpToTheLastButNotIncludingIt) {
  const auto lunch = mute_time("UTC", "[{from: \"12:00\", to: \"13:00\"}]");
  EXPECT_FALSE(muted(lunch, at("2026-11-21T11:59:59.999Z")));
  EXPECT_TRUE(muted(lunch, at("2026-11-21T12:00:00Z")));
  EXPECT_TRUE(muted(lunch, at("2026-11-21T12:59:59.999Z")));
  EXPECT_FALSE(muted(lunch, at("2026-11-21T13:00:00Z")));
}

TEST(MuteTimes, GoOverMidnightWhenTheyEndNotLaterThanTheyBegin) {
  const auto nights = mute_time("Europe/Berlin", "[{from: \"22:00\", to: \"07:00\"}]");
  EXPECT_FALSE(muted(nights, at("2026-11-21T21:59:00+01:00")));
  EXPECT_TRUE(muted(nights, at("2026-11-21T22:00:00+01:00")));
  EXPECT_TRUE(muted(nights, at("2026-11-22T06:59:00+01:00")));
  EXPECT_FALSE(muted(nights, at("2026-11-22T07:00:00+01:00")));
  EXPECT_EQ(told(muted_until(nights, at("2026-11-21T23:00:00+01:00"))), "2026-11-22T06:00");
  EXPECT_EQ(told(next_change(nights, at("2026-11-22T07:00:00+01:00"))), "2026-11-22T21:00");
}

TEST(MuteTimes, BelongToTheDayOnWhichTheyBegin) {
  const auto friday_night = mute_time("UTC", "[{days: fri, from: \"22:00\", to: \"07:00\"}]");
  EXPECT_TRUE(muted(friday_night, at("2026-11-21T06:00:00Z")));   // Saturday morning
  EXPECT_FALSE(muted(friday_night, at("2026-11-20T06:00:00Z")));  // Friday morning
  EXPECT_FALSE(muted(friday_night, at("2026-11-21T22:30:00Z")));
}

TEST(MuteTimes, AreOneStretchWhereTheyAdjoinOrOverlap) {
  const auto quiet = mute_time("UTC", "[{from: \"22:00\", to: \"07:00\"}, {days: [sat, sun]}]");
  EXPECT_EQ(told(muted_until(quiet, at("2026-11-20T23:00:00Z"))), "2026-11-23T07:00");  // Friday to Monday
  const auto two_halves = mute_time("UTC", "[{from: \"10:00\", to: \"11:00\"}, {from: \"11:00\", to: \"12:00\"}]");
  EXPECT_EQ(told(muted_until(two_halves, at("2026-11-20T10:30:00Z"))), "2026-11-20T12:00");
  EXPECT_EQ(told(next_change(two_halves, at("2026-11-20T10:30:00Z"))), "2026-11-20T12:00");
}

TEST(MuteTimes, HaveNoEndWhereTheyAreNot) {
  const auto weekend = mute_time("UTC", "[{days: sat-sun}]");
  EXPECT_EQ(told(muted_until(weekend, at("2026-11-20T12:00:00Z"))), "never");
  EXPECT_EQ(told(muted_until(weekend, at("2026-11-21T12:00:00Z"))), "2026-11-23T00:00");
  EXPECT_FALSE(muted(MuteTime(), at("2026-11-21T12:00:00Z")));
  EXPECT_EQ(told(next_change(MuteTime(), at("2026-11-21T12:00:00Z"))), "never");
}

TEST(MuteTimes, FindTheFirstSundayOfAMonth) {
  const auto maintenance = mute_time("UTC", "[{days: sunday, dates: 1-7, from: \"02:00\", to: \"04:00\"}]");
  EXPECT_EQ(told(next_change(maintenance, at("2026-11-21T12:00:00Z"))), "2026-12-06T02:00");
  EXPECT_EQ(told(next_change(maintenance, at("2026-12-06T02:00:00Z"))), "2026-12-06T04:00");
  EXPECT_EQ(told(next_change(maintenance, at("2026-12-06T04:00:00Z"))), "2027-01-03T02:00");
}

TEST(MuteTimes, CountDatesFromTheEndOfTheMonth) {
  const auto month_end = mute_time("UTC", "[{dates: -2--1}]");
  EXPECT_EQ(told(next_change(month_end, at("2027-02-01T00:00:00Z"))), "2027-02-27T00:00");
  EXPECT_EQ(told(next_change(month_end, at("2028-02-01T00:00:00Z"))), "2028-02-28T00:00");
  EXPECT_EQ(told(next_change(month_end, at("2028-02-28T00:00:00Z"))), "2028-03-01T00:00");
  const auto from_the_twentieth = mute_time("UTC", "[{dates: 20 - -1}]");
  EXPECT_EQ(told(muted_until(from_the_twentieth, at("2026-11-25T00:00:00Z"))), "2026-12-01T00:00");
}

TEST(MuteTimes, LeaveOutMonthsThatAreTooShort) {
  const auto thirty_first = mute_time("UTC", "[{dates: 31}]");
  EXPECT_EQ(told(next_change(thirty_first, at("2026-11-01T00:00:00Z"))), "2026-12-31T00:00");
  const auto leap_sunday = mute_time("UTC", "[{days: sunday, dates: 29, months: feb}]");
  EXPECT_EQ(told(next_change(leap_sunday, at("2026-11-21T00:00:00Z"))), "2032-02-29T00:00");
  EXPECT_EQ(told(next_change(leap_sunday, at("2032-03-01T00:00:00Z"))), "2060-02-29T00:00");
}

TEST(MuteTimes, AreOverWithTheirYears) {
  const auto move = mute_time("UTC", "[{dates: 24, months: dec, years: 2026}]");
  EXPECT_EQ(told(next_change(move, at("2026-11-21T00:00:00Z"))), "2026-12-24T00:00");
  EXPECT_EQ(told(next_change(move, at("2026-12-25T00:00:00Z"))), "never");
}

TEST(MuteTimes, TellAnEndThatCanBeAskedAgainWhereThereIsNone) {
  const auto always = mute_time("Europe/Berlin", "[{days: mon-sun}]");
  const auto now = at("2026-11-21T12:00:00Z");
  EXPECT_TRUE(muted(always, now));
  EXPECT_EQ(muted_until(always, now), now + longest_mute_told);
}

// Berlin, 2026-03-29: 02:00 becomes 03:00. 2026-10-25: 03:00 becomes 02:00.

TEST(MuteTimes, BeginAtTheJumpWhenTheirBeginningIsSkipped) {
  const auto skipped_begin = mute_time("Europe/Berlin", "[{from: \"02:30\", to: \"05:00\"}]");
  EXPECT_EQ(told(next_change(skipped_begin, at("2026-03-28T12:00:00Z"))), "2026-03-29T01:00");
  EXPECT_EQ(told(next_change(skipped_begin, at("2026-03-29T01:00:00Z"))), "2026-03-29T03:00");
}

TEST(MuteTimes, EndAtTheJumpWhenTheirEndIsSkipped) {
  const auto skipped_end = mute_time("Europe/Berlin", "[{from: \"01:00\", to: \"02:30\"}]");
  EXPECT_EQ(told(muted_until(skipped_end, at("2026-03-29T00:30:00Z"))), "2026-03-29T01:00");
}

TEST(MuteTimes, AreLeftOutWhenTheyAreSkippedWhole) {
  const auto skipped = mute_time("Europe/Berlin", "[{from: \"02:15\", to: \"02:45\"}]");
  EXPECT_EQ(told(next_change(skipped, at("2026-03-28T12:00:00Z"))), "2026-03-30T00:15");
}

TEST(MuteTimes, AreOneStretchInTheNightOfTwoEqualHours) {
  const auto twice = mute_time("Europe/Berlin", "[{from: \"02:15\", to: \"02:45\"}]");
  EXPECT_EQ(told(next_change(twice, at("2026-10-24T12:00:00Z"))), "2026-10-25T00:15");
  EXPECT_EQ(told(next_change(twice, at("2026-10-25T00:15:00Z"))), "2026-10-25T01:45");
  const auto before = mute_time("Europe/Berlin", "[{from: \"00:00\", to: \"02:00\"}]");
  EXPECT_EQ(told(muted_until(before, at("2026-10-24T23:00:00Z"))), "2026-10-25T00:00");
}

TEST(MuteTimes, TakeAnHourLessOrMoreWhenTheClocksChangeWithinThem) {
  const auto nights = mute_time("Europe/Berlin", "[{from: \"22:00\", to: \"07:00\"}]");
  const auto length_of_night = [&nights](std::string_view noon) {
    const auto begin = next_change(nights, at(noon)).value();
    return next_change(nights, begin).value() - begin;
  };
  EXPECT_EQ(length_of_night("2026-03-27T12:00:00Z"), 9h);
  EXPECT_EQ(length_of_night("2026-03-28T12:00:00Z"), 8h);
  EXPECT_EQ(length_of_night("2026-10-24T12:00:00Z"), 10h);
}

TEST(MuteTimes, ArePutIntoWordsInTheirOwnZone) {
  const auto nights = mute_time("Europe/Berlin", "[{from: \"22:00\", to: \"07:00\"}]");
  EXPECT_EQ(describe(nights, at("2026-11-21T12:00:00Z")),
            "m: next from Sat 2026-11-21 22:00 until Sun 2026-11-22 07:00 Europe/Berlin");
  EXPECT_EQ(describe(nights, at("2026-11-21T22:00:00Z")), "m: muted until Sun 2026-11-22 07:00 Europe/Berlin");
  EXPECT_EQ(describe(mute_time("UTC", "[{years: 2025}]"), at("2026-11-21T12:00:00Z")), "m: never again");
  EXPECT_EQ(describe(mute_time("UTC", "[{years: 2026-2999}]"), at("2026-11-21T12:00:00Z")),
            "m: muted for more than a year UTC");
}

TEST(MuteTimes, KnowWhichWindowsNeverOpen) {
  MuteWindow window;
  EXPECT_TRUE(ever_opens(window));
  window.dates = {{30, 30}};
  window.months.reset().set(2);
  EXPECT_FALSE(ever_opens(window));
  window.dates = {{29, 29}};
  EXPECT_TRUE(ever_opens(window));
  window.years = {{2026, 2027}};
  EXPECT_FALSE(ever_opens(window));
  window.years = {{2026, 2028}};
  EXPECT_TRUE(ever_opens(window));
}

}  // namespace
}  // namespace sidewatch
