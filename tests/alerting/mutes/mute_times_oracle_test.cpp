// Mute times against an oracle that looks at each minute of more than a year, in zones whose clocks do odd things. What
// a clock shows it asks of the C library; the calendar it takes from there too. Only the definition is shared: a window
// of a day is one stretch, from the first minute whose clock lies within it to the last.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "alerting/mute_times.h"
#include "tests/alerting/mutes/mute_times_fixture.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

constexpr int minutes_of_day = 1440;
constexpr std::int64_t margin_minutes = 4 * minutes_of_day;

// A minute as a clock shows it; days are numbered, so that the one before is known.
struct Shown {
  int day_number = 0;
  int minute = 0;
};

// The number of a date, counted in UTC.
int day_number_of(std::tm date) {
  date.tm_hour = date.tm_min = date.tm_sec = date.tm_isdst = 0;
  return static_cast<int>(timegm(&date) / 86400);
}

class Clocks {
 public:
  explicit Clocks(const std::string& zone) : old_(std::getenv("TZ") ? std::getenv("TZ") : "") {
    setenv("TZ", zone.c_str(), 1);
    tzset();
  }
  ~Clocks() {
    if (old_.empty()) unsetenv("TZ"); else setenv("TZ", old_.c_str(), 1);
    tzset();
  }
  Clocks(const Clocks&) = delete;
  Clocks& operator=(const Clocks&) = delete;

  std::vector<Shown> minutes(std::int64_t begin, std::int64_t end) const {
    std::vector<Shown> shown;
    shown.reserve(static_cast<std::size_t>(end - begin));
    for (std::int64_t minute = begin; minute < end; ++minute) {
      const std::time_t at = minute * 60;
      std::tm local{};
      localtime_r(&at, &local);
      shown.push_back({day_number_of(local), local.tm_hour * 60 + local.tm_min});
    }
    return shown;
  }

 private:
  std::string old_;
};

bool in_any(const std::vector<NumberRange>& ranges, int positive, int negative) {
  if (ranges.empty()) return true;
  for (const auto& range : ranges) {
    const bool after_first = range.first > 0 ? positive >= range.first : negative >= range.first;
    const bool before_last = range.last > 0 ? positive <= range.last : negative <= range.last;
    if (after_first && before_last) return true;
  }
  return false;
}

bool allows(const MuteWindow& window, int day_number) {
  const std::time_t noon = static_cast<std::time_t>(day_number) * 86400 + 43200;
  std::tm date{};
  gmtime_r(&noon, &date);
  int days_left = 0;  // of the month, behind this one
  for (std::time_t next = noon + 86400;; next += 86400, ++days_left) {
    std::tm then{};
    gmtime_r(&next, &then);
    if (then.tm_mon != date.tm_mon) break;
  }
  const int year = date.tm_year + 1900;
  return window.days.test(static_cast<std::size_t>(date.tm_wday)) &&
         window.months.test(static_cast<std::size_t>(date.tm_mon) + 1) &&
         in_any(window.dates, date.tm_mday, -1 - days_left) && in_any(window.years, year, year);
}

// A window as it is open on one day: its first and its last minute.
struct OpenDay {
  bool allowed = false;
  std::optional<std::pair<std::size_t, std::size_t>> stretch;
};

// Which minutes are muted.
std::vector<bool> oracle(const MuteTime& mute, const std::vector<Shown>& shown) {
  std::vector<bool> is_muted(shown.size());
  const int day_before = shown.front().day_number - 1;
  for (const auto& window : mute.windows) {
    const auto from = static_cast<int>(window.from.count());
    const auto to = static_cast<int>(window.to.count());
    std::vector<OpenDay> days(static_cast<std::size_t>(shown.back().day_number - day_before) + 2);
    for (std::size_t i = 0; i < days.size(); ++i) days[i].allowed = allows(window, day_before + static_cast<int>(i));
    const auto take = [&](int opened, std::size_t minute) {
      OpenDay& day = days[static_cast<std::size_t>(opened - day_before)];
      if (day.allowed) day.stretch = std::pair(day.stretch ? day.stretch->first : minute, minute);
    };
    for (std::size_t i = 0; i < shown.size(); ++i) {
      const auto [day, minute] = shown[i];
      if (from < to) {
        if (from <= minute && minute < to) take(day, i);
      } else {
        if (minute >= from) take(day, i);
        if (minute < to) take(day - 1, i);
      }
    }
    for (const auto& day : days) {
      if (!day.stretch) continue;
      for (std::size_t i = day.stretch->first; i <= day.stretch->second; ++i) is_muted[i] = true;
    }
  }
  return is_muted;
}

// Anything that somebody could write.
MuteTime random_mute(std::mt19937& random, const ZoneClock& zone, int year) {
  const auto below = [&random](int bound) { return static_cast<int>(random() % static_cast<unsigned>(bound)); };
  MuteTime mute{.name = "random", .zone = zone, .windows = {}};
  for (int count = 1 + below(3); count > 0; --count) {
    MuteWindow window;
    if (below(2) == 0) window.days = std::bitset<7>(static_cast<unsigned>(1 + below(127)));
    if (below(4) == 0) window.months = std::bitset<13>(static_cast<unsigned>(2 + 2 * below(4095)));
    if (below(3) == 0) {
      const int first = 1 + below(31);
      window.dates.push_back(below(2) == 0 ? NumberRange{first, std::min(31, first + below(10))}
                                           : NumberRange{-first, std::min(-1, -first + below(10))});
      if (below(3) == 0) window.dates.push_back({1 + below(31), -1 - below(10)});
    }
    if (below(6) == 0) window.years.push_back({year, year});
    if (below(4) != 0) {
      const int step = below(2) == 0 ? 30 : 1;  // also at the edges of what is skipped and doubled
      const int bound = below(2) == 0 ? 4 * 60 : minutes_of_day;
      window.from = std::chrono::minutes(below(bound / step) * step);
      window.to = std::chrono::minutes((1 + below(minutes_of_day / step)) * step);
      if (window.to == window.from) window.to = window.from + 1min;
    }
    mute.windows.push_back(window);
  }
  return mute;
}

std::string written(const MuteTime& mute) {
  std::string text = mute.zone.name();
  for (const auto& window : mute.windows) {
    text += " | days " + window.days.to_string() + " months " + window.months.to_string();
    for (const auto& [first, last] : window.dates) text += " dates " + std::to_string(first) + ".." + std::to_string(last);
    text += " " + std::to_string(window.from.count()) + "-" + std::to_string(window.to.count());
  }
  return text;
}

WallTime minute_at(std::int64_t minute) { return WallTime(std::chrono::minutes(minute)); }

void expect_as_the_oracle_says(const MuteTime& mute, const std::vector<Shown>& shown, std::int64_t begin,
                               std::mt19937& random) {
  const std::vector<bool> expected = oracle(mute, shown);
  const auto last = shown.size() - static_cast<std::size_t>(margin_minutes);
  std::size_t i = static_cast<std::size_t>(margin_minutes);
  while (i < last) {
    const auto wall = minute_at(begin + static_cast<std::int64_t>(i));
    ASSERT_EQ(muted(mute, wall), expected[i]) << written(mute) << " at " << to_rfc3339(wall);
    std::size_t change = i;
    while (change < last && expected[change] == expected[i]) ++change;
    const auto middle = minute_at(begin + static_cast<std::int64_t>(i + random() % (change - i)));
    ASSERT_EQ(muted(mute, middle + 59s), expected[i]) << written(mute) << " at " << to_rfc3339(middle);
    const auto told = next_change(mute, middle);
    if (change == last) {
      const WallTime end = minute_at(begin + static_cast<std::int64_t>(last));
      ASSERT_TRUE(!told || *told >= end || *told == middle + longest_mute_told) << written(mute);
      return;
    }
    ASSERT_EQ(told ? to_rfc3339(*told) : "never", to_rfc3339(minute_at(begin + static_cast<std::int64_t>(change))))
        << written(mute) << " after " << to_rfc3339(middle);
    ASSERT_EQ(muted_until(mute, middle).has_value(), expected[i]) << written(mute) << " at " << to_rfc3339(middle);
    i = change;
  }
}

struct Place {
  const char* zone;
  int year;
};

class MuteTimesOracle : public ::testing::TestWithParam<Place> {};

TEST_P(MuteTimesOracle, AgreesInEachMinuteOfMoreThanAYear) {
  const auto [zone_name, year] = GetParam();
  const auto zone = ZoneClock::named(zone_name);
  ASSERT_TRUE(zone);
  std::tm new_year{};
  new_year.tm_year = year - 1900;
  new_year.tm_mday = 1;
  const std::int64_t begin = timegm(&new_year) / 60 - 30 * minutes_of_day;
  const auto shown = Clocks(zone_name).minutes(begin, begin + 430 * minutes_of_day);
  std::mt19937 random(static_cast<unsigned>(year) * 31U + static_cast<unsigned>(zone_name[1]));
  for (int round = 0; round < 12; ++round) {
    expect_as_the_oracle_says(random_mute(random, *zone, year), shown, begin, random);
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(, MuteTimesOracle,
                         ::testing::Values(Place{"Europe/Berlin", 2026}, Place{"America/New_York", 2028},
                                           Place{"Australia/Lord_Howe", 2026},  // half an hour
                                           Place{"America/Havana", 2026},       // at midnight
                                           Place{"America/St_Johns", 2010},     // over midnight: 00:01 becomes 23:01
                                           Place{"Pacific/Apia", 2011},         // without the 30th of December
                                           Place{"Africa/Casablanca", 2026},    // back for Ramadan
                                           Place{"Asia/Kathmandu", 2027}, Place{"UTC", 2026}),
                         [](const auto& place) {
                           std::string name = place.param.zone;
                           std::replace(name.begin(), name.end(), '/', '_');
                           return name;
                         });

}  // namespace
}  // namespace sidewatch
