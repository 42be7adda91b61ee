// What may be in the catalog of what comes as lines, which everybody on the machine can send: a budget of its own, and
// behind it the overflow series of each metric.
//
// The one idea: the last tenth of the budget is for metrics that have few label sets. So a tag without an end to its values
// takes the room of no metric, event or service check that is sent for the first time.
#pragma once

#include <cstddef>

#include "collectors/series_budget.h"
#include "metrics/outside_series.h"

namespace sidewatch::statsd {

class Room {
 public:
  static constexpr std::size_t few_label_sets = 10;
  static constexpr std::size_t last_part = 10;  // of the budget

  Room(Catalog& catalog, std::size_t max_series)
      : catalog_(catalog), budget_(max_series), last_series_(max_series / last_part) {}

  // Counts no longer what the catalog has forgotten.
  void begin_pass() { (void)budget_.begin_pass(catalog_); }

  // `label_sets`: how many the metric has already.
  OutsideSeries series(const Metric& metric, const Labels& labels, std::size_t label_sets) {
    auto given = budget_.series(catalog_, metric, labels, label_sets < few_label_sets ? 0 : last_series_);
    if (!given.series) return overflow(metric);
    return {std::move(given.series), !given.settled};
  }
  // Of a series that it gave: by what it is known for good.
  Labels identity(const SeriesHandle& series) const {
    const auto info = catalog_.info(series.id());
    return info->labels.with("__name__", info->family->name);
  }

  OutsideSeries overflow(const Metric& metric) { return overflow_from_outside(catalog_, metric); }

 private:
  Catalog& catalog_;
  SeriesBudget budget_;
  const std::size_t last_series_;
};

}  // namespace sidewatch::statsd
