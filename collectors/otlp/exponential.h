// An exponential histogram as a classic one, which is what rules, dashboards and the page of /metrics know.
//
// The one idea: buckets of a finer scale lie whole within those of a coarser one, so a histogram is brought to a scale at
// which it has few enough buckets (2 for each doubling of the value, unless configured otherwise), and its bounds are the
// same from export to export, whatever scale the sender is at. Between the smallest and the largest bucket that was seen
// none is left out: a bound that appears later would look like a jump.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "collectors/otlp/model.h"

namespace sidewatch::otlp {

inline constexpr std::size_t max_classic_buckets = 160;  // of each sign; beyond them neighbours become one
inline constexpr std::int64_t min_scale = -11;           // one bucket holds everything that a double can be
inline constexpr std::int64_t max_scale = 24;

struct ClassicBuckets {
  std::vector<double> bounds;  // rising, without +Inf
  std::vector<double> counts;  // of values up to each bound
};

class ExponentialBuckets {
 public:
  explicit ExponentialBuckets(int finest_scale) : finest_scale_(finest_scale), scale_(finest_scale) {}

  // Whether the numbers of a point mean something: its scale and its zero threshold.
  static bool is_usable(const ExponentialPoint& point);

  void clear();                            // the next point counts from the beginning
  void add(const ExponentialPoint& point);  // usable

  // `out` keeps its memory.
  void write(ClassicBuckets& out) const;

 private:
  using Counts = std::map<std::int64_t, double>;  // by index
  void add(const ExponentialPoint::Buckets& buckets, std::int64_t scale, Counts& counts);
  void coarsen();
  bool has_too_many() const;
  double bound(std::int64_t index) const;  // base^index

  const int finest_scale_;
  std::int64_t scale_;
  double zero_count_ = 0;
  double zero_threshold_ = 0;
  Counts positive_;
  Counts negative_;
};

}  // namespace sidewatch::otlp
