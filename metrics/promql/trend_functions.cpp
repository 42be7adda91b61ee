// Functions that fit a line or a smoothed curve through one series' samples in a range, computed as Prometheus 2.42
// computes them.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "metrics/promql/functions.h"
#include "metrics/promql/statistics.h"

namespace sidewatch::promql::range {
namespace {

// value = slope * seconds since `origin` + intercept
struct Line {
  double slope = 0;
  double intercept = 0;
};

bool is_constant(std::span<const Point> points) {
  return std::ranges::all_of(points.subspan(1), [&](const Point& point) { return point.value == points[0].value; });
}

// The least-squares line. Sums are compensated, and a constant has no slope however they round.
Line least_squares(std::span<const Point> points, Time origin) {
  if (is_constant(points)) {
    const double first = points.front().value;
    const double nan = std::numeric_limits<double>::quiet_NaN();
    return std::isinf(first) ? Line{nan, nan} : Line{0, first};
  }
  CompensatedSum x_sum;
  CompensatedSum y_sum;
  CompensatedSum xy_sum;
  CompensatedSum x2_sum;
  for (const Point& point : points) {
    const double x = to_seconds(point.time - origin);
    x_sum.add(x);
    y_sum.add(point.value);
    xy_sum.add(x * point.value);
    x2_sum.add(x * x);
  }
  const auto n = static_cast<double>(points.size());
  const double sum_x = x_sum.corrected();
  const double sum_y = y_sum.corrected();
  const double covariance = xy_sum.corrected() - sum_x * sum_y / n;
  const double variance = x2_sum.corrected() - sum_x * sum_x / n;
  const double slope = covariance / variance;
  return {slope, sum_y / n - slope * sum_x / n};
}

// As Go's %f: six digits after the point.
std::string with_six_decimals(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return std::to_string(value);
}

void check_factor(double factor, const char* kind, const char* symbol) {
  if (!(factor <= 0 || factor >= 1)) return;
  throw CallFailure{std::string("invalid ") + kind + " factor. Expected: 0 < " + symbol +
                    " < 1, got: " + with_six_decimals(factor)};
}

}  // namespace

std::optional<double> deriv(const RangeWindow& window) {
  if (window.points.size() < 2) return std::nullopt;
  return least_squares(window.points, window.points.front().time).slope;
}

// The line's value so many seconds after the evaluation, wherever offset and @ put the range.
std::optional<double> predict_linear(const RangeWindow& window) {
  if (window.points.size() < 2) return std::nullopt;
  const Line line = least_squares(window.points, window.at);
  return line.slope * window.scalars[0] + line.intercept;
}

// Holt's linear method: a level and a trend, each moved by its factor towards what the samples say.
std::optional<double> double_exponential_smoothing(const RangeWindow& window) {
  const double smoothing = window.scalars[0];
  const double trending = window.scalars[1];
  check_factor(smoothing, "smoothing", "sf");
  check_factor(trending, "trend", "tf");
  if (window.points.size() < 2) return std::nullopt;
  double level_before = 0;
  double level = window.points[0].value;
  double trend = window.points[1].value - window.points[0].value;
  for (std::size_t i = 1; i < window.points.size(); ++i) {
    if (i > 1) trend = trending * (level - level_before) + (1 - trending) * trend;
    const double next = smoothing * window.points[i].value + (1 - smoothing) * (level + trend);
    level_before = level;
    level = next;
  }
  return level;
}

}  // namespace sidewatch::promql::range
