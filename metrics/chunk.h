// A fixed piece of memory that holds consecutive samples of one series, oldest first.
//
// Appended to until it is full, then only read. It knows nothing about series, budgets or staleness; how the samples
// lie in it is its own affair.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "metrics/point.h"

namespace sidewatch {

class Chunk {
 public:
  // Starts anew; what was inside is gone.
  void reset() { count_ = 0; }

  // False when it is full or `point` lies too far from the first sample; then nothing has changed.
  // `point.time` is later than that of every sample inside.
  bool append(Point point) {
    if (count_ == 0) first_ms_ = to_ms(point.time);
    const std::int64_t offset = to_ms(point.time) - first_ms_;
    if (count_ == capacity || offset > std::int64_t{UINT32_MAX}) return false;
    offsets_[count_] = static_cast<std::uint32_t>(offset);
    values_[count_] = point.value;
    ++count_;
    return true;
  }

  std::size_t size() const { return count_; }
  Time first_time() const { return time_at_ms(first_ms_); }
  Time last_time() const { return time_at(count_ - 1U); }

  // Calls `visit(Point)` for each sample, oldest first.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t i = 0; i < count_; ++i) visit(Point{time_at(i), values_[i]});
  }

 private:
  static constexpr std::size_t capacity = 60;

  Time time_at(std::size_t i) const { return time_at_ms(first_ms_ + offsets_[i]); }

  std::int64_t first_ms_ = 0;
  std::array<double, capacity> values_;
  std::array<std::uint32_t, capacity> offsets_;
  std::uint32_t count_ = 0;
};

}  // namespace sidewatch
