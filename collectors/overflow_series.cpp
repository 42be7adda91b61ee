#include "collectors/overflow_series.h"

#include <algorithm>
#include <utility>

namespace sidewatch {

std::optional<OverflowSeries::Place> OverflowSeries::place(Catalog& catalog, const Metric& metric) {
  if (const auto known = by_metric_.find(metric.name); known != by_metric_.end()) return known->second;
  if (by_metric_.size() >= max_metrics) return std::nullopt;
  (void)budget_.begin_pass(catalog);
  auto given = budget_.series(catalog, metric, labels_);
  if (!given.series) return std::nullopt;
  auto slot = std::ranges::find_if(slots_, [](const Slot& one) { return one.metric.empty(); });
  if (slot == slots_.end()) slot = slots_.insert(slots_.end(), Slot());
  slot->metric = metric.name;
  slot->series = std::move(given.series);
  const auto place = static_cast<Place>(slot - slots_.begin());
  by_metric_.emplace(slot->metric, place);
  return place;
}

void OverflowSeries::set(Place place, double value) {
  slots_[place].value = value;
  slots_[place].is_set = true;
}

void OverflowSeries::write(Batch& batch) {
  for (Slot& slot : slots_) {
    if (slot.metric.empty()) continue;
    if (std::exchange(slot.is_set, false)) {
      batch.add(slot.series, slot.value);
    } else {
      by_metric_.erase(slot.metric);
      slot = {};
    }
  }
}

std::string OverflowSeries::what_is_wrong(std::size_t max_series) {
  return "brings more series than max_series (" + std::to_string(max_series) + ") allows, those that ended and that "
         "history.retention still remembers among them: further ones share one series of their metric, with the label overflow";
}

}  // namespace sidewatch
