// Quantiles of a stream in little memory: DDSketch (Masson, Rim, Lee: "DDSketch: A Fast and Fully-Mergeable Quantile
// Sketch with Relative-Error Guarantees", VLDB 2019).
//
// A value falls into the bucket of its logarithm to the base (1 + a) / (1 - a), so what a quantile gives back is within
// a = 1 % of a value that was seen. The logarithm is taken from the bits of the number: its exponent, and a cubic for
// its mantissa that never lets a bucket become wider than that. Two sketches are merged by adding their buckets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sidewatch::statsd {

class Sketch {
 public:
  static constexpr double relative_error = 0.01;
  // Of one sign. They span a factor of about 10^17; of a wider range the smallest values share the lowest bucket.
  static constexpr std::size_t max_buckets = 2048;

  // `value` is finite; `weight` > 0: how many it stands for. Where it may not grow, a value outside of the buckets that
  // there are goes to the nearest of them.
  void add(double value, double weight = 1, bool may_grow = true);
  void merge(const Sketch& other);
  void clear();  // keeps its memory

  bool empty() const { return count_ == 0; }
  double count() const { return count_; }
  double sum() const { return sum_; }
  double min() const { return min_; }  // exact, as is max; both 0 when empty
  double max() const { return max_; }

  // The smallest value that the part `q` (0..1) of all values does not exceed (the nearest rank); NaN when empty.
  double quantile(double q) const;

  std::size_t bytes() const;

 private:
  // The buckets of one sign, from the one numbered `first`.
  struct Buckets {
    std::int32_t first = 0;
    std::vector<double> counts;
    void add(std::int32_t index, double weight, bool may_grow);
    void make_room(std::int32_t low, std::int32_t high);
  };

  double count_ = 0;
  double sum_ = 0;
  double min_ = 0;
  double max_ = 0;
  double zeros_ = 0;
  Buckets positive_;
  Buckets negative_;
};

}  // namespace sidewatch::statsd
