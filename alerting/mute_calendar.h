// The configured mute times by name, asked for every message that waits, again and again: an answer is found once and
// holds until the moment at which it changes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "alerting/mute_times.h"
#include "base/time.h"

namespace sidewatch {

// Used by one thread.
class MuteCalendar {
 public:
  void replace(std::vector<MuteTime> mutes);

  // The end of the stretch that holds `now`; absent when the time of this name is not muted now, or is unknown.
  std::optional<WallTime> until(const std::string& name, WallTime now);

 private:
  struct Entry {
    MuteTime mute;
    std::optional<WallTime> asked;    // when `ends` was found
    std::optional<WallTime> ends;     // of the stretch that held `asked`
    std::optional<WallTime> changes;  // when this is to be asked anew; absent: never
  };
  std::map<std::string, Entry> entries_;
};

}  // namespace sidewatch
