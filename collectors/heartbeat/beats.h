// When each job was last heard of, and what follows from that: pure, without clock, lock or disk.
//
// A ping says that a run began, went well, or failed. A job is overdue when the next ping is due and `grace` is over, or
// when a run that began has not ended within `grace`. A run that failed was heard of: it is not overdue but failed. A job
// that was never heard of is due `every` after it was first watched.
//
// What is saved holds ages beside the time of saving, on the wall clock and on the boot's (base/time.h): so a wall clock
// that is set while the agent is away neither hides a missed run nor makes one up, and time without the agent counts.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "collectors/heartbeat/config.h"

namespace sidewatch::heartbeat {

enum class Ping { start, success, failure };

struct Beat {
  Duration every{0};
  Duration grace{0};
  Time since;                    // when it was first watched
  std::optional<Time> last;      // ping that ended a run
  std::int64_t last_wall_ms = 0;  // the same on the wall clock
  std::optional<Time> began;     // a run that has not ended
  std::optional<double> seconds;  // that the last run took, from start to end
  bool failed = false;           // the last run
  std::uint64_t starts = 0;
  std::uint64_t successes = 0;
  std::uint64_t failures = 0;

  bool is_overdue(Time now) const;
};

// Where the clocks stand when something is saved or read.
struct SaveClocks {
  Time now;
  WallTime wall;
  BootPosition boot;
};

class Beats {
 public:
  explicit Beats(const std::vector<HeartbeatConfig>& configs);

  // From the first call on they are watched.
  void watch(Time now);

  // False: there is none of that name.
  bool ping(std::string_view name, Ping ping, Time now, WallTime wall);

  const std::map<std::string, Beat, std::less<>>& all() const { return beats_; }

  std::string save(const SaveClocks& clocks) const;
  // Takes over what an earlier life saved, of those that there still are; before watch(). Error: it is not such a text,
  // and nothing was taken over.
  Result<void> restore(std::string_view text, const SaveClocks& clocks);

 private:
  std::map<std::string, Beat, std::less<>> beats_;
  bool watching_ = false;
};

}  // namespace sidewatch::heartbeat
