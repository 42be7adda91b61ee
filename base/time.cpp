#include "base/time.h"

#include <cstdio>
#include <ctime>
#include <fstream>

namespace sidewatch {
namespace {

std::int64_t read_ms(clockid_t clock) {
  timespec reading{};
  clock_gettime(clock, &reading);
  return static_cast<std::int64_t>(reading.tv_sec) * 1000 + reading.tv_nsec / 1'000'000;
}

}  // namespace

SystemClock::SystemClock() : origin_ms_(read_ms(CLOCK_REALTIME) - read_ms(CLOCK_BOOTTIME)) {}

Time SystemClock::now() const { return time_at_ms(origin_ms_ + read_ms(CLOCK_BOOTTIME)); }

Duration SystemClock::wall_step() const {
  return Duration(read_ms(CLOCK_REALTIME) - read_ms(CLOCK_BOOTTIME) - origin_ms_);
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
  position.boot_time_ms = read_ms(CLOCK_BOOTTIME);
  return position;
}

}  // namespace sidewatch
