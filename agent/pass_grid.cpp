#include "agent/pass_grid.h"

#include <algorithm>
#include <array>

#include "collectors/spread.h"

namespace sidewatch {
namespace {

// A collector's name begins with what kind it is: "scrape:checkout".
constexpr std::array<std::string_view, 2> spread_kinds{"json", "scrape"};

bool is_spread(std::string_view collector) {
  const auto kind = collector.substr(0, collector.find(':'));
  return std::find(spread_kinds.begin(), spread_kinds.end(), kind) != spread_kinds.end();
}

// The first place of the grid that is not before `earliest`.
Time on_grid(Duration offset, Duration interval, Time earliest) {
  const auto since = (earliest.time_since_epoch() - offset) % interval;
  return since == Duration(0) ? earliest : earliest + interval - since;
}

}  // namespace

// The second pass leaves the first half an interval: it would come while that still runs.
FirstPasses first_passes(std::string_view collector, Duration interval, Time now) {
  if (!is_spread(collector)) return {now, now + interval};
  const Time first = now + spread_over(collector, std::min(interval, longest_first_delay));
  return {first, on_grid(spread_over(collector, interval), interval, first + interval / 2)};
}

}  // namespace sidewatch
