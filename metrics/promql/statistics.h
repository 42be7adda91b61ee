// What functions over time and aggregations both compute from numbers.
#pragma once

#include <cmath>
#include <vector>

namespace sidewatch::promql {

// Kahan's summation in Neumaier's variant: `total` and what rounding lost of it.
struct CompensatedSum {
  double total = 0;
  double lost = 0;

  void add(double term) {
    const double next = total + term;
    lost += std::abs(total) >= std::abs(term) ? (total - next) + term : (term - next) + total;
    total = next;
  }
  double corrected() const { return total + lost; }
  double value() const { return std::isinf(total) ? total : corrected(); }  // an infinite sum stays infinite
};

// The q-quantile; between two values their average weighted by nearness. NaN is below every number. -Inf for q < 0,
// +Inf for q > 1, NaN for no values. Reorders `values`.
double quantile(double q, std::vector<double>& values);

}  // namespace sidewatch::promql
