// The axis of values of a plot: from where to where, which values are written beside it, and in which unit.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sidewatch {

struct PlotUnit {
  enum class Prefixes { none, decimal, binary, small };  // small: only below 1, as of seconds
  Prefixes prefixes = Prefixes::decimal;
  std::string symbol;  // "B", "B/s", "s"; may be empty
};

// What the names in an expression say about its unit: `_bytes` is bytes, per second under rate(); `_seconds` is seconds,
// but of a counter of seconds under rate() nothing.
PlotUnit unit_of(std::string_view expression);

struct PlotScale {
  double low = 0;
  double high = 1;  // above `low`
  struct Tick {
    double value;
    std::string text;  // "1.5 GiB"
  };
  std::vector<Tick> ticks;  // rising; the first is at `low`, the last at `high`
};

// A scale for values from `low` to `high`, both finite, with about `ticks` marks at round numbers.
PlotScale scale_for(double low, double high, std::size_t ticks, const PlotUnit& unit);

// One value in the unit, with its own prefix: "1.25 MiB".
std::string value_in(double value, const PlotUnit& unit);

}  // namespace sidewatch
