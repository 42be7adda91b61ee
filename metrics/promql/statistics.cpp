// See statistics.h.
#include "metrics/promql/statistics.h"

#include <algorithm>
#include <limits>

namespace sidewatch::promql {

double quantile(double q, std::vector<double>& values) {
  if (values.empty() || std::isnan(q)) return std::numeric_limits<double>::quiet_NaN();
  if (q < 0) return -std::numeric_limits<double>::infinity();
  if (q > 1) return std::numeric_limits<double>::infinity();
  const auto lower = [](double a, double b) { return (std::isnan(a) && !std::isnan(b)) || a < b; };
  const double rank = q * static_cast<double>(values.size() - 1);
  const auto below = values.begin() + static_cast<std::ptrdiff_t>(rank);
  std::ranges::nth_element(values, below, lower);
  const auto above = below + 1 == values.end() ? below : std::ranges::min_element(below + 1, values.end(), lower);
  const double weight = rank - std::floor(rank);
  return *below * (1 - weight) + *above * weight;
}

}  // namespace sidewatch::promql
