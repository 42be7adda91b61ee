// See statistics.h.
#include "metrics/promql/statistics.h"

#include <algorithm>
#include <limits>

namespace sidewatch::promql {

double quantile(double q, std::vector<double>& values) {
  if (values.empty() || std::isnan(q)) return std::numeric_limits<double>::quiet_NaN();
  if (q < 0) return -std::numeric_limits<double>::infinity();
  if (q > 1) return std::numeric_limits<double>::infinity();
  std::ranges::sort(values, [](double a, double b) { return (std::isnan(a) && !std::isnan(b)) || a < b; });
  const double rank = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(rank);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  const double weight = rank - std::floor(rank);
  return values[below] * (1 - weight) + values[above] * weight;
}

}  // namespace sidewatch::promql
