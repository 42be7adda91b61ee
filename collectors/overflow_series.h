// Where the samples of series stand that their source has no room for: of each metric one series, {overflow="true"} beside
// the source's own labels, whose value is that of the last such sample.
//
// Names may be made up just as labels may, so this has a bound of its own: metrics beyond it are left out. A place is given
// back after a pass in which nothing was set there. Does not lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "collectors/series_budget.h"
#include "metrics/catalog.h"
#include "metrics/labels.h"
#include "metrics/store.h"

namespace sidewatch {

class OverflowSeries {
 public:
  using Place = std::uint32_t;
  static constexpr std::size_t max_metrics = 100;  // that the catalog remembers at most

  // `labels`: those of the source.
  explicit OverflowSeries(const Labels& labels) : labels_(labels.with("overflow", "true")) {}

  // The place of a metric, which is its own for as long as something is set there in each pass. Absent: there is none left.
  std::optional<Place> place(Catalog& catalog, const Metric& metric);
  void set(Place place, double value);

  // Ends a pass: adds what was set in it.
  void write(Batch& batch);

  // For the outcome of a pass in which there was something to set: of a source whose key max_series is this.
  static std::string what_is_wrong(std::size_t max_series);

 private:
  struct Slot {
    std::string metric;  // empty: nothing is here
    SeriesHandle series;
    double value = 0;
    bool is_set = false;  // in this pass
  };
  const Labels labels_;
  SeriesBudget budget_{max_metrics};
  std::vector<Slot> slots_;
  std::map<std::string, Place, std::less<>> by_metric_;
};

}  // namespace sidewatch
