#include "base/time.h"

#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <limits>
#include <thread>

namespace sidewatch {
namespace {

constexpr std::int64_t ns_per_ms = 1'000'000;

std::int64_t read_ns(clockid_t clock) {
  timespec reading{};
  clock_gettime(clock, &reading);
  return static_cast<std::int64_t>(reading.tv_sec) * 1'000'000'000 + reading.tv_nsec;
}

// Wall clock minus CLOCK_BOOTTIME. Two clocks cannot be read at once: of a few tries the one that was interrupted least.
std::int64_t read_origin_ns() {
  std::int64_t origin = 0;
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (int tries = 0; tries < 3; ++tries) {
    const std::int64_t before = read_ns(CLOCK_BOOTTIME);
    const std::int64_t wall = read_ns(CLOCK_REALTIME);
    const std::int64_t took = read_ns(CLOCK_BOOTTIME) - before;
    if (took >= least) continue;
    least = took;
    origin = wall - before - took / 2;
  }
  return origin;
}

// Takes a timestamp apart from left to right; a mistake is remembered until the end.
class Rfc3339 {
 public:
  explicit Rfc3339(std::string_view text) : rest_(text) {}

  std::int64_t digits(std::size_t count) {
    std::int64_t number = 0;
    for (; count > 0; --count) number = number * 10 + (take("0123456789") - '0');
    return number;
  }

  void expect(std::string_view any_of) { take(any_of); }

  std::int64_t fraction() {
    if (!rest_.starts_with('.')) return 0;
    rest_.remove_prefix(1);
    std::int64_t millis = (take("0123456789") - '0') * 100;
    for (const std::int64_t unit : {10, 1}) {
      if (at_digit()) millis += unit * (take("0123456789") - '0');
    }
    while (at_digit()) rest_.remove_prefix(1);
    return millis;
  }

  std::int64_t zone() {
    const char sign = take("Zz+-");
    if (sign != '+' && sign != '-') return 0;
    const std::int64_t hours = digits(2);
    expect(":");
    const std::int64_t minutes = digits(2);
    if (hours > 23 || minutes > 59) sound_ = false;
    return (hours * 60 + minutes) * (sign == '-' ? -1 : 1);
  }

  bool read_whole() const { return sound_ && rest_.empty(); }

 private:
  bool at_digit() const { return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; }

  char take(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos) {
      sound_ = false;
      return any_of.front();
    }
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  std::string_view rest_;
  bool sound_ = true;
};

}  // namespace

void Clock::sleep_for(Duration duration) const { std::this_thread::sleep_for(duration); }

SystemClock::SystemClock() : origin_ns_(read_origin_ns()) {}

Time SystemClock::now() const { return time_at_ms((origin_ns_ + read_ns(CLOCK_BOOTTIME)) / ns_per_ms); }

// Rounded, so that it stays the same while nobody sets the clock: requests and answers are converted with it.
Duration SystemClock::wall_step() const {
  const auto step_ns = static_cast<double>(read_origin_ns() - origin_ns_);
  return Duration(std::llround(step_ns / static_cast<double>(ns_per_ms)));
}

std::string to_rfc3339(WallTime wall) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(wall);
  const auto millis = static_cast<int>((wall - seconds).count());
  const std::time_t unix_seconds = seconds.time_since_epoch().count();
  std::tm utc{};
  gmtime_r(&unix_seconds, &utc);
  char text[64];
  const int length = std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900,
                                   utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, millis);
  return std::string(text, static_cast<std::size_t>(length));
}

std::optional<WallTime> from_rfc3339(std::string_view text) {
  using namespace std::chrono;
  Rfc3339 in(text);
  const auto year_number = static_cast<int>(in.digits(4));
  in.expect("-");
  const auto month_number = static_cast<unsigned>(in.digits(2));
  in.expect("-");
  const year_month_day date{year(year_number), month(month_number), day(static_cast<unsigned>(in.digits(2)))};
  in.expect("Tt");
  const std::int64_t hour_number = in.digits(2);
  in.expect(":");
  const std::int64_t minute_number = in.digits(2);
  in.expect(":");
  const std::int64_t second_number = in.digits(2);
  const std::int64_t millis = in.fraction();
  const std::int64_t offset_minutes = in.zone();
  if (!in.read_whole() || !date.ok() || hour_number > 23 || minute_number > 59 || second_number > 59) return std::nullopt;
  return WallTime(sys_days(date)) + hours(hour_number) + minutes(minute_number - offset_minutes) +
         seconds(second_number) + milliseconds(millis);
}

std::string to_words(Duration duration) {
  const std::int64_t seconds = duration.count() / 1000;
  if (seconds < 1) return std::to_string(duration.count()) + "ms";
  struct Unit {
    std::int64_t seconds;
    const char* name;
  };
  static constexpr Unit units[] = {{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}};
  for (std::size_t i = 0; i < std::size(units); ++i) {
    if (seconds < units[i].seconds) continue;
    std::string text = std::to_string(seconds / units[i].seconds) + units[i].name;
    const std::int64_t rest = seconds % units[i].seconds;
    if (i + 1 < std::size(units) && rest >= units[i + 1].seconds) {
      text += " " + std::to_string(rest / units[i + 1].seconds) + units[i + 1].name;
    }
    return text;
  }
  return "0s";
}

BootPosition read_boot_position() {
  BootPosition position;
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::getline(file, position.boot_id);
  position.boot_time_ms = read_ns(CLOCK_BOOTTIME) / ns_per_ms;
  return position;
}

}  // namespace sidewatch
