// Which of those who are told of an alert are not to be told now, because of the mute times that their routes name.
//
// For showing it: what becomes of a message is decided where messages wait (alerting/dispatcher.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "alerting/mute_times.h"
#include "alerting/routes/route.h"
#include "base/time.h"

namespace sidewatch {

struct Muted {
  std::vector<std::string> by;  // names of the mute times that last now
  WallTime until;               // across others of the route that follow without a break
  std::string words;            // "until 07:00 Europe/Berlin: nights", "for more than a year: always"
};

// Absent: this recipient is told now.
std::optional<Muted> muted_now(const Recipient& recipient, const std::vector<MuteTime>& mutes, WallTime now);

// Absent: at least one of them is told now, or there are none. Otherwise until the first of them is told again.
std::optional<Muted> muted_now(const std::vector<Recipient>& recipients, const std::vector<MuteTime>& mutes, WallTime now);

}  // namespace sidewatch
