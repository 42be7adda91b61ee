// When receivers are not to be told: named times of a week, a month or a year, as clocks in a time zone show them.
//
//     nights: 22:00 to 07:00 in Europe/Berlin           a mute time with one window
//     nights and weekends                                one with two
//
// A window opens on each day that its days, dates, months and years all allow, at `from`, and closes at `to` of the
// same day, or of the next one when `to` is not later than `from`: what is said about days is about the day on which it
// opens. All functions are pure; they neither know alerts nor decide what becomes of a message.
//
// The idea: a window of a day is one stretch of time, whatever the clocks do in it. It begins when the clock first
// shows `from` and ends when the clock last shows `to`. So on the night on which an hour is shown twice it does not
// open twice, a `from` in a skipped hour is the moment of the jump, and a window that lies within a skipped hour does
// not open.
#pragma once

#include <bitset>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "base/time_zone.h"

namespace sidewatch {

// Both ends are part of it.
struct NumberRange {
  int first = 0;
  int last = 0;
};

struct MuteWindow {
  std::bitset<7> days = std::bitset<7>().set();       // Sunday is 0
  std::bitset<13> months = std::bitset<13>().set();   // January is 1
  std::vector<NumberRange> dates;                     // 1 to 31; -1 is the last day of the month; none: all
  std::vector<NumberRange> years;                     // none: all
  std::chrono::minutes from{0};                       // below 24 h
  std::chrono::minutes to = std::chrono::hours(24);   // up to 24 h; not later than `from`: on the next day
};

struct MuteTime {
  std::string name;
  ZoneClock zone;
  std::vector<MuteWindow> windows;
};

// A stretch that goes on for longer, or for ever, is told as ending after this long: ask again then.
inline constexpr std::chrono::days longest_mute_told{400};

bool muted(const MuteTime& mute, WallTime now);

// The end of the stretch that holds `now`, also across windows that adjoin or overlap; absent when it is not muted. At
// that instant it is muted no longer.
std::optional<WallTime> muted_until(const MuteTime& mute, WallTime now);

// The first instant behind `now` from which it is muted, where it is not, or the other way round. Absent when no window
// opens any more (within forty years: the 29th of February is a Sunday every 28).
std::optional<WallTime> next_change(const MuteTime& mute, WallTime now);

// Whether there is a day on which the window opens.
bool ever_opens(const MuteWindow& window);

// For people: "07:00 Europe/Berlin", or "Sun 2026-11-22 07:00 Europe/Berlin" where it is a day away or more.
std::string clock_words(const ZoneClock& zone, WallTime at, WallTime now);

// For people, in the mute time's own zone: "nights: muted until Sun 2026-11-22 07:00 Europe/Berlin",
// "nights: next from Sat 2026-11-21 22:00 until Sun 2026-11-22 07:00 Europe/Berlin", "nights: never again".
std::string describe(const MuteTime& mute, WallTime now);

}  // namespace sidewatch
