// Time as the agent lives it: one clock that never jumps.
//
// The timeline starts at the wall clock's reading when the process starts and from then on counts elapsed real time
// (CLOCK_BOOTTIME, so a suspended machine counts too). Samples, rules and timers use only this; when the wall clock is
// set, nothing fires and nothing resolves. Wall time is derived from it, for people and for other programs, by adding
// how far the wall clock has been moved since the start (`Clock::wall_step`).
//
// Only thread bodies hold a Clock. Everything else is *given* `now`.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sidewatch {

using Duration = std::chrono::milliseconds;

struct Timeline {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  static constexpr bool is_steady = true;
};
using Time = std::chrono::time_point<Timeline, Duration>;
using WallTime = std::chrono::sys_time<Duration>;

inline Time time_at_ms(std::int64_t ms) { return Time(Duration(ms)); }
inline std::int64_t to_ms(Time time) { return time.time_since_epoch().count(); }
inline double to_seconds(Duration duration) { return static_cast<double>(duration.count()) / 1000.0; }

inline WallTime to_wall(Time time, Duration wall_step) { return WallTime(time.time_since_epoch() + wall_step); }
inline Time from_wall(WallTime wall, Duration wall_step) { return Time(wall.time_since_epoch() - wall_step); }

// RFC 3339 in UTC with milliseconds: 2026-03-01T12:00:00.250Z.
std::string to_rfc3339(WallTime wall);

// The same read back, in any time zone: 2026-03-01T13:00:00+01:00. Digits beyond milliseconds are cut off. Absent where
// the text is none or names a day or an hour that there is not.
std::optional<WallTime> from_rfc3339(std::string_view text);

// For people: "45s", "12m", "1h 30m", "3d 4h".
std::string to_words(Duration duration);

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
  virtual Duration wall_step() const = 0;
  virtual void sleep_for(Duration duration) const;
};

class SystemClock final : public Clock {
 public:
  SystemClock();
  Time now() const override;
  Duration wall_step() const override;

 private:
  std::int64_t origin_ns_;  // wall clock minus CLOCK_BOOTTIME when the process started
};

// Where this boot of the machine stands, so that a restarted agent can tell how long it was away although the wall
// clock may have been set in between.
struct BootPosition {
  std::string boot_id;            // /proc/sys/kernel/random/boot_id; empty when it cannot be read
  std::int64_t boot_time_ms = 0;  // CLOCK_BOOTTIME
};
BootPosition read_boot_position();

}  // namespace sidewatch
