// Functions that say one thing about one series' samples in a range, computed as Prometheus 2.42 computes what it has
// of them: sums and means are compensated for rounding.
#include <cmath>
#include <functional>
#include <vector>

#include "metrics/promql/functions.h"
#include "metrics/promql/statistics.h"

namespace sidewatch::promql::range {
namespace {

using Samples = std::span<const Point>;

double seconds(const Point& point) { return static_cast<double>(to_ms(point.time)) / 1000; }

// The sample that none is `better` than; a number is preferred to NaN.
template <class Better>
const Point& best(Samples points, Better better) {
  const Point* found = &points.front();
  for (const Point& point : points) {
    if (better(point.value, found->value) || std::isnan(found->value)) found = &point;
  }
  return *found;
}

std::vector<double> values_of(Samples points) {
  std::vector<double> values;
  values.reserve(points.size());
  for (const Point& point : points) values.push_back(point.value);
  return values;
}

// Welford's method, compensated.
double variance(Samples points) {
  CompensatedSum mean;
  CompensatedSum squares;  // of the distances from the mean
  double count = 0;
  for (const Point& point : points) {
    ++count;
    const double distance = point.value - mean.corrected();
    mean.add(distance / count);
    squares.add(distance * (point.value - mean.corrected()));
  }
  return squares.corrected() / count;
}

}  // namespace

// A running mean, which does not overflow where the sum would.
std::optional<double> avg_over_time(const RangeWindow& window) {
  CompensatedSum mean;
  double count = 0;
  for (const Point& point : window.points) {
    ++count;
    const double value = point.value;
    const bool stays_infinite = std::isinf(mean.total) && !std::isnan(value) &&
                                (!std::isinf(value) || (value > 0) == (mean.total > 0));
    if (!stays_infinite) mean.add(value / count - mean.total / count);
  }
  return mean.value();
}

std::optional<double> count_over_time(const RangeWindow& window) { return static_cast<double>(window.points.size()); }

std::optional<double> first_over_time(const RangeWindow& window) { return window.points.front().value; }

std::optional<double> last_over_time(const RangeWindow& window) { return window.points.back().value; }

// The median distance from the median.
std::optional<double> mad_over_time(const RangeWindow& window) {
  std::vector<double> values = values_of(window.points);
  const double median = quantile(0.5, values);
  for (double& value : values) value = std::abs(value - median);
  return quantile(0.5, values);
}

std::optional<double> max_over_time(const RangeWindow& window) {
  return best(window.points, std::greater()).value;
}

std::optional<double> min_over_time(const RangeWindow& window) {
  return best(window.points, std::less()).value;
}

std::optional<double> present_over_time(const RangeWindow&) { return 1; }

std::optional<double> quantile_over_time(const RangeWindow& window) {
  std::vector<double> values = values_of(window.points);
  return quantile(window.scalars[0], values);
}

std::optional<double> stddev_over_time(const RangeWindow& window) { return std::sqrt(variance(window.points)); }

std::optional<double> stdvar_over_time(const RangeWindow& window) { return variance(window.points); }

std::optional<double> sum_over_time(const RangeWindow& window) {
  CompensatedSum sum;
  for (const Point& point : window.points) sum.add(point.value);
  return sum.value();
}

std::optional<double> ts_of_first_over_time(const RangeWindow& window) { return seconds(window.points.front()); }

std::optional<double> ts_of_last_over_time(const RangeWindow& window) { return seconds(window.points.back()); }

// The last of equals.
std::optional<double> ts_of_max_over_time(const RangeWindow& window) {
  return seconds(best(window.points, std::greater_equal()));
}

std::optional<double> ts_of_min_over_time(const RangeWindow& window) {
  return seconds(best(window.points, std::less_equal()));
}

}  // namespace sidewatch::promql::range
