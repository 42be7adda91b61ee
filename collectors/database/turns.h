// Who has a turn in a pass that has no time for everybody: one after the other, and in the next pass those behind.
#pragma once

#include <cstddef>
#include <optional>

#include "base/time.h"
#include "collectors/database/deadline.h"
#include "collectors/database/failure.h"

namespace sidewatch::database {

// Calls `ask` for one entry of the map after the other, beginning behind `last`, until each had its turn, the time is
// over, or `ask` returns a Failure. At least one is asked. `last` is then the key of the one that was asked last.
template <class Map, class Ask>
std::optional<Failure> take_turns(Map& entries, typename Map::key_type& last, Duration time, Ask ask) {
  const Deadline deadline(time);
  auto next = entries.upper_bound(last);
  for (std::size_t i = 0; i < entries.size(); ++i, ++next) {
    if (next == entries.end()) next = entries.begin();
    if (i > 0 && deadline.left() == Duration(0)) break;
    last = next->first;
    if (auto failure = ask(*next)) return failure;
  }
  return std::nullopt;
}

}  // namespace sidewatch::database
