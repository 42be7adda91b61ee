#include "alerting/mute_times.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace sidewatch {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::local_days;
using std::chrono::seconds;
using std::chrono::weekday;
using std::chrono::year_month_day;
using std::chrono::year_month_day_last;

constexpr days search_for{40 * 366};
constexpr days gregorian_cycle{146'097};  // 400 years, after which the calendar repeats

// The time from `begin` up to, not including, `end`; nothing when they are the same.
struct Stretch {
  WallTime begin;
  WallTime end;
};

bool within(const std::vector<NumberRange>& ranges, int number) {
  return ranges.empty() || std::any_of(ranges.begin(), ranges.end(), [number](const NumberRange& range) {
           return range.first <= number && number <= range.last;
         });
}

// Counted from the end of the month where they are negative.
bool within_dates(const std::vector<NumberRange>& ranges, const year_month_day& date) {
  const int of_month = static_cast<int>(static_cast<unsigned>(date.day()));
  const year_month_day_last end = date.year() / date.month() / std::chrono::last;
  const int length = static_cast<int>(static_cast<unsigned>(end.day()));
  const auto absolute = [length](int day) { return day < 0 ? length + 1 + day : day; };
  return ranges.empty() || std::any_of(ranges.begin(), ranges.end(), [&](const NumberRange& range) {
           return absolute(range.first) <= of_month && of_month <= absolute(range.last);
         });
}

bool opens_on(const MuteWindow& window, local_days day) {
  if (!window.days.test(weekday(day).c_encoding())) return false;
  const year_month_day date(day);
  return window.months.test(static_cast<unsigned>(date.month())) &&
         within(window.years, static_cast<int>(date.year())) && within_dates(window.dates, date);
}

// The last second of a window is what can be shown twice or never; its end can be so without that being the window's.
Stretch stretch_of(const MuteWindow& window, const ZoneClock& zone, local_days day) {
  const LocalTime from = day + window.from;
  const LocalTime to = day + window.to + (window.to <= window.from ? days(1) : days(0));
  const LocalInstants last_second = zone.instants(to - seconds(1));
  const bool skipped = last_second.shown == LocalInstants::Shown::never;
  return {zone.instants(from).first, skipped ? last_second.last : last_second.last + seconds(1)};
}

// A window is open for less than two days of the clock, and the clock may show the day before its own for a while.
std::optional<WallTime> end_of_windows_at(const MuteTime& mute, WallTime now) {
  const local_days today = floor<days>(mute.zone.local(now));
  std::optional<WallTime> end;
  for (local_days day = today - days(1); day <= today + days(1); day += days(1)) {
    for (const auto& window : mute.windows) {
      if (!opens_on(window, day)) continue;
      const Stretch stretch = stretch_of(window, mute.zone, day);
      if (stretch.begin <= now && now < stretch.end) end = std::max(end.value_or(stretch.end), stretch.end);
    }
  }
  return end;
}

// The earliest stretch that begins on this day of the clock, behind `now`.
std::optional<WallTime> next_opening_on(const MuteTime& mute, local_days day, WallTime now) {
  std::optional<WallTime> begin;
  for (const auto& window : mute.windows) {
    if (!opens_on(window, day)) continue;
    const Stretch stretch = stretch_of(window, mute.zone, day);
    if (stretch.begin >= stretch.end || stretch.begin <= now) continue;
    begin = std::min(begin.value_or(stretch.begin), stretch.begin);
  }
  return begin;
}

std::optional<WallTime> next_opening(const MuteTime& mute, WallTime now) {
  const local_days today = floor<days>(mute.zone.local(now));
  for (local_days day = today - days(1); day <= today + search_for; day += days(1)) {
    const auto begin = next_opening_on(mute, day, now);
    if (!begin) continue;
    const auto other = next_opening_on(mute, day + days(1), now);  // earlier where the clock went back over midnight
    return std::min(*begin, other.value_or(*begin));
  }
  return std::nullopt;
}

// "Sun 2026-11-22 07:00"
std::string on_the_clock(const ZoneClock& zone, WallTime at) {
  static constexpr std::array names{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  const LocalTime local = zone.local(at);
  const local_days day = floor<days>(local);
  const year_month_day date(day);
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(local - day).count();
  char text[64];
  std::snprintf(text, sizeof text, "%s %04d-%02u-%02u %02d:%02d", names[weekday(day).c_encoding()],
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(minutes / 60), static_cast<int>(minutes % 60));
  return text;
}

std::string until_text(const MuteTime& mute, WallTime begin, WallTime end) {
  const bool is_told = end < begin + longest_mute_told;
  return is_told ? "until " + on_the_clock(mute.zone, end) : "for more than a year";
}

}  // namespace

bool muted(const MuteTime& mute, WallTime now) { return end_of_windows_at(mute, now).has_value(); }

std::optional<WallTime> muted_until(const MuteTime& mute, WallTime now) {
  const WallTime latest = now + longest_mute_told;
  auto end = end_of_windows_at(mute, now);
  while (end && *end < latest) {
    const auto further = end_of_windows_at(mute, *end);
    if (!further) return end;
    end = further;
  }
  return end ? std::min(*end, latest) : end;
}

std::optional<WallTime> next_change(const MuteTime& mute, WallTime now) {
  const auto end = muted_until(mute, now);
  return end ? end : next_opening(mute, now);
}

bool ever_opens(const MuteWindow& window) {
  const auto opens_within = [&window](local_days from, days length) {
    for (local_days day = from; day < from + length; day += days(1)) {
      if (opens_on(window, day)) return true;
    }
    return false;
  };
  const auto new_year = [](int year) { return local_days(std::chrono::year(year) / 1 / 1); };
  if (window.years.empty()) return opens_within(new_year(2000), gregorian_cycle);
  return std::any_of(window.years.begin(), window.years.end(), [&](const NumberRange& years) {
    const days length = new_year(years.last + 1) - new_year(years.first);
    return opens_within(new_year(years.first), std::min(length, gregorian_cycle));
  });
}

std::string clock_words(const ZoneClock& zone, WallTime at, WallTime now) {
  const std::string whole = on_the_clock(zone, at);
  const bool is_soon = at - now < days(1);
  return (is_soon ? whole.substr(whole.rfind(' ') + 1) : whole) + " " + zone.name();
}

std::string describe(const MuteTime& mute, WallTime now) {
  const std::string zone = " " + mute.zone.name();
  if (const auto end = muted_until(mute, now)) return mute.name + ": muted " + until_text(mute, now, *end) + zone;
  const auto begin = next_opening(mute, now);
  if (!begin) return mute.name + ": never again";
  const WallTime end = muted_until(mute, *begin).value_or(*begin);
  return mute.name + ": next from " + on_the_clock(mute.zone, *begin) + " " + until_text(mute, *begin, end) + zone;
}

}  // namespace sidewatch
