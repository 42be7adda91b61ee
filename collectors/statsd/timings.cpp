#include "collectors/statsd/timings.h"

#include <algorithm>
#include <utility>

#include "collectors/own_label.h"
#include "metrics/bound_text.h"

namespace sidewatch::statsd {
namespace {

MetricType type_of(const Observer& observer) {
  return observer.type == Observer::Type::histogram ? MetricType::histogram : MetricType::summary;
}

}  // namespace

Labels Timings::labels_of(const Labels& sent, const Observer& observer) {
  return without_own_label(type_of(observer), sent);
}

OutsideSeries Timings::count_series(Room& room, const std::string& name, const Labels& labels, std::string_view help,
                                    const Observer& observer, std::size_t label_sets) {
  return room.series({name + "_count", type_of(observer), "", help}, labels, label_sets);
}

OutsideSeries Timings::overflow_count_series(Room& room, const std::string& name, std::string_view help,
                                             const Observer& observer) {
  return room.overflow({name + "_count", type_of(observer), "", help});
}

Timings::Timings(Room& room, const std::string& name, const Labels& labels, std::string_view help,
                 const Observer& observer, bool shared, std::size_t label_sets)
    : observer_(observer), shared_(shared) {
  const auto series = [&](const Metric& metric, const Labels& of) {
    auto [handle, overflowed] = room.series(metric, of, label_sets);
    is_whole_ = is_whole_ && !overflowed;
    return std::move(handle);
  };
  const auto type = type_of(observer);
  const bool has_buckets = !shared && observer.type == Observer::Type::histogram;
  in_bucket_.resize(has_buckets ? observer.buckets.size() : 0);
  before_ = sums();
  sum_series_ = series({name + "_sum", type, "", help}, labels);
  if (shared) return;
  if (has_buckets) {
    for (const double bound : observer.buckets) {
      parts_.push_back(series({name + "_bucket", type, "", help}, labels.with("le", bound_text(bound))));
    }
    parts_.push_back(series({name + "_bucket", type, "", help}, labels.with("le", "+Inf")));
    return;
  }
  min_series_ = series({name + "_min", MetricType::gauge, "", "The least in the last while."}, labels);
  max_series_ = series({name + "_max", MetricType::gauge, "", "The most in the last while."}, labels);
  for (const double quantile : observer.quantiles) {
    parts_.push_back(series({name, type, "", help}, labels.with("quantile", bound_text(quantile))));
  }
}

std::vector<double> Timings::sums() const {
  std::vector<double> sums{count_, sum_};
  sums.insert(sums.end(), in_bucket_.begin(), in_bucket_.end());
  return sums;
}

bool Timings::resume(const std::vector<double>& sums) {
  if (sums.size() != in_bucket_.size() + 2) return false;
  count_ = sums[0];
  sum_ = sums[1];
  std::copy(sums.begin() + 2, sums.end(), in_bucket_.begin());
  before_ = sums;
  return true;
}

std::size_t Timings::bytes() const {
  std::size_t all = 0;
  window_.each([&all](const Sketch& sketch) { all += sketch.bytes(); });
  return all;
}

std::size_t Timings::add(double value, double weight, bool may_grow) {
  count_ += weight;
  sum_ += value * weight;
  if (shared_) return 0;
  if (observer_.type != Observer::Type::histogram) {
    Sketch& sketch = window_.now();
    const std::size_t before = sketch.bytes();
    sketch.add(value, weight, may_grow);
    return sketch.bytes() - before;
  }
  const auto bucket = std::lower_bound(observer_.buckets.begin(), observer_.buckets.end(), value);
  if (bucket != observer_.buckets.end()) {
    in_bucket_[static_cast<std::size_t>(bucket - observer_.buckets.begin())] += weight;
  }
  return 0;
}

void Timings::write(const SeriesHandle& count_series, std::int64_t turn, bool touched, Sketch& merged, Batch& batch) {
  const auto before = std::exchange(before_, {});
  const bool begins = !before.empty();
  const auto add = [&](const SeriesHandle& series, double was, double is) {
    return begins ? batch.begin(series, was, is) : batch.add(series, is);
  };
  add(count_series, begins ? before[0] : 0, count_);
  add(sum_series_, begins ? before[1] : 0, sum_);
  if (shared_) return;
  if (observer_.type == Observer::Type::histogram) {
    double was = 0;
    double is = 0;
    for (std::size_t i = 0; i < in_bucket_.size(); ++i) {
      add(parts_[i], was += begins ? before[2 + i] : 0, is += in_bucket_[i]);
    }
    return add(parts_.back(), begins ? before[0] : 0, count_);
  }
  merged.clear();
  window_.end_pass(turn, touched, [&merged](const Sketch& sketch) { merged.merge(sketch); });
  if (merged.empty()) return;
  batch.add(min_series_, merged.min());
  batch.add(max_series_, merged.max());
  for (std::size_t i = 0; i < parts_.size(); ++i) batch.add(parts_[i], merged.quantile(observer_.quantiles[i]));
}

}  // namespace sidewatch::statsd
