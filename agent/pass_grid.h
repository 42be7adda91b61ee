// When the passes of a collector begin.
//
// Most begin at once and then once an interval, together, so that what they bring is judged together. Those that ask other
// programs over HTTP (scrape, json) stand on a grid of their own: a place within the interval that follows from the
// collector's name, on the timeline and not from the start of the agent. So one server with fifteen pages is never asked
// for all of them at one instant, and a restart changes nothing. The first pass does not wait for the grid: what is
// watched once an hour has its samples at once.
#pragma once

#include <string_view>

#include "base/time.h"

namespace sidewatch {

// First passes that are spread come within this time after the start, and within an interval.
inline constexpr Duration longest_first_delay = std::chrono::milliseconds(200);

struct FirstPasses {
  Time first;
  Time second;  // from which on there is one each interval
};
FirstPasses first_passes(std::string_view collector, Duration interval, Time now);

}  // namespace sidewatch
