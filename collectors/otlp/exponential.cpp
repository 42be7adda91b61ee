#include "collectors/otlp/exponential.h"

#include <algorithm>
#include <cmath>

namespace sidewatch::otlp {
namespace {

// From a finer scale to one that is `steps` coarser.
std::int64_t coarser(std::int64_t index, std::int64_t steps) { return index >> std::min<std::int64_t>(steps, 62); }

bool spans_too_many(const std::map<std::int64_t, double>& counts) {
  return !counts.empty() &&
         counts.rbegin()->first - counts.begin()->first >= static_cast<std::int64_t>(max_classic_buckets);
}

void append(ClassicBuckets& out, double bound, double count) {
  if (!std::isfinite(bound)) return;  // what is beyond it is in +Inf
  if (!out.bounds.empty() && bound <= out.bounds.back()) {
    out.counts.back() = count;
  } else {
    out.bounds.push_back(bound);
    out.counts.push_back(count);
  }
}

double count_at(const std::map<std::int64_t, double>& counts, std::int64_t index) {
  const auto found = counts.find(index);
  return found != counts.end() ? found->second : 0;
}

}  // namespace

bool ExponentialBuckets::is_usable(const ExponentialPoint& point) {
  constexpr std::int64_t farthest = std::int64_t{1} << 31;  // what the protocol's 32 bits can say
  for (const auto* buckets : {&point.positive, &point.negative}) {
    if (buckets->offset < -farthest || buckets->offset > farthest) return false;
  }
  return point.scale >= min_scale && point.scale <= max_scale && std::isfinite(point.zero_threshold) &&
         point.zero_threshold >= 0;
}

void ExponentialBuckets::clear() {
  zero_count_ = 0;
  positive_.clear();
  negative_.clear();
  scale_ = finest_scale_;
}

void ExponentialBuckets::add(const ExponentialPoint& point) {
  while (scale_ > point.scale) coarsen();
  zero_count_ += static_cast<double>(point.zero_count);
  zero_threshold_ = point.zero_threshold;
  add(point.positive, point.scale, positive_);
  add(point.negative, point.scale, negative_);
  while (has_too_many()) coarsen();
}

void ExponentialBuckets::add(const ExponentialPoint::Buckets& buckets, std::int64_t scale, Counts& counts) {
  for (std::size_t i = 0; i < buckets.counts.size(); ++i) {
    if (buckets.counts[i] == 0) continue;
    const std::int64_t index = buckets.offset + static_cast<std::int64_t>(i);
    counts[coarser(index, scale - scale_)] += static_cast<double>(buckets.counts[i]);
  }
}

void ExponentialBuckets::coarsen() {
  for (auto* const counts : {&positive_, &negative_}) {
    Counts merged;
    for (const auto& [index, count] : *counts) merged[coarser(index, 1)] += count;
    counts->swap(merged);
  }
  --scale_;
}

bool ExponentialBuckets::has_too_many() const { return spans_too_many(positive_) || spans_too_many(negative_); }

double ExponentialBuckets::bound(std::int64_t index) const {
  return std::exp2(std::ldexp(static_cast<double>(index), static_cast<int>(-scale_)));
}

void ExponentialBuckets::write(ClassicBuckets& out) const {
  out.bounds.clear();
  out.counts.clear();
  double count = 0;
  if (!negative_.empty()) {
    // Bucket i holds what is at least -base^(i+1) and below -base^i.
    for (std::int64_t i = negative_.rbegin()->first; i >= negative_.begin()->first; --i) {
      append(out, -bound(i), count += count_at(negative_, i));
    }
  }
  append(out, zero_threshold_, count += zero_count_);
  if (positive_.empty()) return;
  for (std::int64_t i = positive_.begin()->first; i <= positive_.rbegin()->first; ++i) {
    append(out, bound(i + 1), count += count_at(positive_, i));
  }
}

}  // namespace sidewatch::otlp
