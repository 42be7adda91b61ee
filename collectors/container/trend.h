// When a value that rises will reach its limit: a straight line (least squares) through its last 10 minutes.
//
// Too much guessing is worse than none: it is said that the value rises only when the line explains at least 80 % of
// its variance (so neither a sawtooth nor a single step counts) and has risen by at least half a percent of the limit
// over the time seen. Keeps a point per 15 seconds; allocates nothing.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>

#include "base/time.h"

namespace sidewatch::container {

class Trend {
 public:
  static constexpr Duration window = std::chrono::minutes(10);
  static constexpr Duration spacing = std::chrono::seconds(15);
  static constexpr Duration least_span = std::chrono::minutes(2);  // before, nothing is said
  static constexpr std::size_t least_points = 3;
  static constexpr double least_explained = 0.8;  // of the variance, by the line
  static constexpr double least_rise = 0.005;     // of the limit, over the time seen

  void add(Time now, double value);
  void clear() { size_ = 0; }

  // Seconds from the last add() until `limit` is reached: 0 when it is, infinity while the value does not rise, nothing
  // while too little was seen.
  std::optional<double> seconds_to(double limit) const;

 private:
  static constexpr std::size_t max_points = 41;
  struct Seen {
    Time time;
    double value = 0;
  };
  struct Line {
    double per_second = 0;
    double explained = 0;
    double span_seconds = 0;
  };
  const Seen& at(std::size_t index) const { return points_[(first_ + index) % max_points]; }
  Line fit() const;

  std::array<Seen, max_points> points_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  Seen last_;
};

}  // namespace sidewatch::container
