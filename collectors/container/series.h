// Series of a whole table of metrics at once.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>

#include "metrics/catalog.h"

namespace sidewatch::container {

// One series for each metric of a table, all with the same labels; those whose metric is in `but` are left empty.
template <std::size_t N>
std::array<SeriesHandle, N> series_of(Catalog& catalog, const std::array<Metric, N>& metrics, const Labels& labels,
                                      std::initializer_list<std::size_t> but = {}) {
  std::array<SeriesHandle, N> series;
  for (std::size_t i = 0; i < N; ++i) {
    if (std::find(but.begin(), but.end(), i) == but.end()) series[i] = catalog.series(metrics[i], labels);
  }
  return series;
}

}  // namespace sidewatch::container
