// How one series' samples in a range change, computed as Prometheus 2.42 computes them.
//
// rate() and increase() extrapolate: samples rarely lie exactly on the range's ends, so the change seen between the
// first and the last sample is stretched to the ends; but not further than half an average sample interval when an end
// is more than 1.1 intervals away (the series began or stopped there), and for a counter not further into the past
// than where it would have been zero.
#include <algorithm>
#include <cmath>

#include "metrics/promql/functions.h"

namespace sidewatch::promql::range {
namespace {

double seconds_between(Time from, Time to) { return to_seconds(to - from); }

enum class Resets { ignored, added };  // a value below its predecessor means that a counter restarted at zero

double change(std::span<const Point> points, Resets resets) {
  double sum = points.back().value - points.front().value;
  if (resets == Resets::ignored) return sum;
  for (std::size_t i = 1; i < points.size(); ++i) {
    if (points[i].value < points[i - 1].value) sum += points[i - 1].value;
  }
  return sum;
}

// The change over the whole range, extrapolated. Nothing for fewer than two samples.
std::optional<double> extrapolated(const RangeWindow& window, Resets resets, double divisor) {
  const std::span<const Point> points = window.points;
  if (points.size() < 2) return std::nullopt;
  const double seen = change(points, resets);
  const double sampled = seconds_between(points.front().time, points.back().time);
  const double average_step = sampled / static_cast<double>(points.size() - 1);

  double to_start = seconds_between(window.start, points.front().time);
  const double to_end = seconds_between(points.back().time, window.end);
  if (resets == Resets::added && seen > 0 && points.front().value >= 0) {
    to_start = std::min(to_start, sampled * (points.front().value / seen));
  }
  const double threshold = average_step * 1.1;
  double stretched = sampled;
  stretched += to_start < threshold ? to_start : average_step / 2;
  stretched += to_end < threshold ? to_end : average_step / 2;
  return seen * (stretched / sampled / divisor);
}

struct LastTwo {
  Point before;
  Point last;
};

std::optional<LastTwo> last_two(std::span<const Point> points) {
  if (points.size() < 2) return std::nullopt;
  const LastTwo two{points[points.size() - 2], points.back()};
  if (two.before.time == two.last.time) return std::nullopt;
  return two;
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

}  // namespace

std::optional<double> rate(const RangeWindow& window) {
  return extrapolated(window, Resets::added, to_seconds(window.range));
}

std::optional<double> increase(const RangeWindow& window) { return extrapolated(window, Resets::added, 1); }

std::optional<double> delta(const RangeWindow& window) { return extrapolated(window, Resets::ignored, 1); }

std::optional<double> irate(const RangeWindow& window) {
  const auto two = last_two(window.points);
  if (!two) return std::nullopt;
  const bool reset = two->last.value < two->before.value;
  const double rise = reset ? two->last.value : two->last.value - two->before.value;
  return rise / seconds_between(two->before.time, two->last.time);
}

std::optional<double> idelta(const RangeWindow& window) {
  const auto two = last_two(window.points);
  if (!two) return std::nullopt;
  return two->last.value - two->before.value;
}

std::optional<double> changes(const RangeWindow& window) {
  double count = 0;
  for (std::size_t i = 1; i < window.points.size(); ++i) {
    if (!same(window.points[i].value, window.points[i - 1].value)) ++count;
  }
  return count;
}

std::optional<double> resets(const RangeWindow& window) {
  double count = 0;
  for (std::size_t i = 1; i < window.points.size(); ++i) {
    if (window.points[i].value < window.points[i - 1].value) ++count;
  }
  return count;
}

}  // namespace sidewatch::promql::range
