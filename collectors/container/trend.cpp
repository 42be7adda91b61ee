#include "collectors/container/trend.h"

#include <limits>

namespace sidewatch::container {

void Trend::add(Time now, double value) {
  last_ = {now, value};
  while (size_ > 0 && now - at(0).time > window) {
    first_ = (first_ + 1) % max_points;
    --size_;
  }
  if (size_ > 0 && now - at(size_ - 1).time < spacing) return;
  if (size_ == max_points) {
    first_ = (first_ + 1) % max_points;
    --size_;
  }
  points_[(first_ + size_) % max_points] = last_;
  ++size_;
}

std::optional<double> Trend::seconds_to(double limit) const {
  if (size_ < least_points || at(size_ - 1).time - at(0).time < least_span) return std::nullopt;
  if (last_.value >= limit) return 0;
  const Line line = fit();
  const bool rises = line.per_second > 0 && line.explained >= least_explained &&
                     line.per_second * line.span_seconds >= least_rise * limit;
  if (!rises) return std::numeric_limits<double>::infinity();
  return (limit - last_.value) / line.per_second;
}

Trend::Line Trend::fit() const {
  const double count = static_cast<double>(size_);
  double mean_time = 0;
  double mean_value = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    mean_time += to_seconds(at(i).time - at(0).time) / count;
    mean_value += at(i).value / count;
  }
  double times = 0;
  double values = 0;
  double products = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    const double time = to_seconds(at(i).time - at(0).time) - mean_time;
    const double value = at(i).value - mean_value;
    times += time * time;
    values += value * value;
    products += time * value;
  }
  if (times <= 0 || values <= 0) return {};
  return {products / times, products * products / (times * values),
          to_seconds(at(size_ - 1).time - at(0).time)};
}

}  // namespace sidewatch::container
