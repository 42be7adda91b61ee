#include "collectors/statsd/sketch.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace sidewatch::statsd {
namespace {

// log2(1 + s) for 0 <= s < 1, roughly: p(s) = ((A s + B) s + C) s with p(0) = 0, p(1) = 1 and, where one octave meets
// the next, equal slopes. What matters is that its slope against the true logarithm is never below C (at s = 0): a step
// of one in p * multiplier is then at most the logarithm of the base.
constexpr double cubic_a = 6.0 / 35;
constexpr double cubic_b = -3.0 / 5;
constexpr double cubic_c = 10.0 / 7;

const double log_base = std::log1p(2 * Sketch::relative_error / (1 - Sketch::relative_error));
const double multiplier = 1 / (cubic_c * log_base);

// Smaller ones are zero: subnormal numbers have no exponent of their own.
constexpr double smallest = std::numeric_limits<double>::min();

double cubic(double s) { return ((cubic_a * s + cubic_b) * s + cubic_c) * s; }

std::int32_t index_of(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  constexpr int mantissa_bits = 52;
  constexpr std::int64_t bias = 1023;
  const auto exponent = static_cast<double>(static_cast<std::int64_t>(bits >> mantissa_bits & 0x7ff) - bias);
  const auto mantissa = std::bit_cast<double>((bits & 0xfffffffffffff) | 0x3ff0000000000000) - 1;
  return static_cast<std::int32_t>(std::floor((exponent + cubic(mantissa)) * multiplier));
}

double lower_bound_of(std::int32_t index) {
  const double logarithm = index / multiplier;
  const double exponent = std::floor(logarithm);
  const double target = logarithm - exponent;
  double low = 0;
  double high = 1;
  constexpr int bits = 40;  // far finer than a bucket
  for (int i = 0; i < bits; ++i) {
    const double middle = (low + high) / 2;
    (cubic(middle) <= target ? low : high) = middle;
  }
  return std::ldexp(1 + low, static_cast<int>(exponent));
}

// The value that stands for a bucket: as far, relatively, from its lower end as from its upper one.
double value_of(std::int32_t index) {
  return lower_bound_of(index) * (1 + Sketch::relative_error);
}

}  // namespace

void Sketch::Buckets::make_room(std::int32_t low, std::int32_t high) {
  constexpr std::int32_t spare = 16;  // on each side, so that a growing range does not move everything each time
  if (counts.empty()) {
    first = low - spare;
    counts.resize(static_cast<std::size_t>(high - low + 1 + 2 * spare));
    return;
  }
  const std::int32_t last = first + static_cast<std::int32_t>(counts.size()) - 1;
  if (low >= first && high <= last) return;
  std::int32_t new_last = std::max(last, high > last ? high + spare : high);
  std::int32_t new_first = std::min(first, low < first ? low - spare : low);
  constexpr auto most = static_cast<std::int32_t>(max_buckets);
  if (new_last - new_first >= most) {
    new_last = std::max(last, high);
    new_first = std::max(new_first, new_last - most + 1);
  }
  std::vector<double> moved(static_cast<std::size_t>(new_last - new_first + 1));
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const std::int32_t index = std::max(first + static_cast<std::int32_t>(i), new_first);
    moved[static_cast<std::size_t>(index - new_first)] += counts[i];
  }
  counts = std::move(moved);
  first = new_first;
}

void Sketch::Buckets::add(std::int32_t index, double weight, bool may_grow) {
  if (!may_grow && counts.empty()) counts.resize(1), first = index;
  if (!may_grow) index = std::clamp(index, first, first + static_cast<std::int32_t>(counts.size()) - 1);
  const auto place = static_cast<std::int64_t>(index) - first;
  if (place < 0 || place >= static_cast<std::int64_t>(counts.size())) {
    make_room(index, index);
    index = std::max(index, first);  // below a full range
  }
  counts[static_cast<std::size_t>(index - first)] += weight;
}

void Sketch::add(double value, double weight, bool may_grow) {
  if (count_ == 0) min_ = max_ = value;
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
  count_ += weight;
  sum_ += value * weight;
  if (value >= smallest) {
    positive_.add(index_of(value), weight, may_grow);
  } else if (value <= -smallest) {
    negative_.add(index_of(-value), weight, may_grow);
  } else {
    zeros_ += weight;
  }
}

void Sketch::merge(const Sketch& other) {
  if (other.empty()) return;
  const auto merge_buckets = [](Buckets& into, const Buckets& from) {
    for (std::size_t i = 0; i < from.counts.size(); ++i) {
      if (from.counts[i] > 0) into.add(from.first + static_cast<std::int32_t>(i), from.counts[i], true);
    }
  };
  min_ = empty() ? other.min_ : std::min(min_, other.min_);
  max_ = empty() ? other.max_ : std::max(max_, other.max_);
  count_ += other.count_;
  sum_ += other.sum_;
  zeros_ += other.zeros_;
  merge_buckets(positive_, other.positive_);
  merge_buckets(negative_, other.negative_);
}

void Sketch::clear() {
  count_ = sum_ = min_ = max_ = zeros_ = 0;
  std::fill(positive_.counts.begin(), positive_.counts.end(), 0.0);
  std::fill(negative_.counts.begin(), negative_.counts.end(), 0.0);
}

double Sketch::quantile(double q) const {
  if (empty()) return std::numeric_limits<double>::quiet_NaN();
  const double part = std::clamp(q, 0.0, 1.0) * count_;
  double below = 0;
  const auto found = [&](double value) { return std::clamp(value, min_, max_); };
  for (std::size_t i = negative_.counts.size(); i-- > 0;) {
    below += negative_.counts[i];
    if (negative_.counts[i] > 0 && below >= part) {
      return found(-value_of(negative_.first + static_cast<std::int32_t>(i)));
    }
  }
  below += zeros_;
  if (zeros_ > 0 && below >= part) return found(0);
  for (std::size_t i = 0; i < positive_.counts.size(); ++i) {
    below += positive_.counts[i];
    if (positive_.counts[i] > 0 && below >= part) {
      return found(value_of(positive_.first + static_cast<std::int32_t>(i)));
    }
  }
  return max_;
}

std::size_t Sketch::bytes() const {
  return (positive_.counts.capacity() + negative_.counts.capacity()) * sizeof(double);
}

}  // namespace sidewatch::statsd
