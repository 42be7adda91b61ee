// A value at a time, and the value that says that there is none any more.
#pragma once

#include <bit>
#include <cstdint>

#include "base/time.h"

namespace sidewatch {

struct Point {
  Time time;
  double value = 0;
};

// The NaN by which Prometheus marks a series as ended (prometheus/model/value, StaleNaN). It is told from other NaNs by
// its bits alone.
inline constexpr std::uint64_t stale_marker_bits = 0x7FF0000000000002;

inline double stale_marker() { return std::bit_cast<double>(stale_marker_bits); }
inline bool is_stale_marker(double value) { return std::bit_cast<std::uint64_t>(value) == stale_marker_bits; }

}  // namespace sidewatch
