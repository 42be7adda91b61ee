// Asking the catalog for series whose names or labels a stranger chose: what is sent, scraped, or read from a log.
//
// The one idea: they never take the last room. A tenth of limits.max_series is kept for what the agent measures itself, so
// that a check that begins, a heartbeat or the result of a rule has its series however much is sent. Within the rest, each
// source has a budget of its own (collectors/series_budget.h).
#pragma once

#include "metrics/catalog.h"

namespace sidewatch {

// Of max_series, how many series from outside may make full.
constexpr std::size_t room_for_outside(std::size_t max_series) { return max_series - max_series / 10; }

using OutsideSeries = Catalog::Given;

// As Catalog::series.
inline OutsideSeries series_from_outside(Catalog& catalog, const Metric& metric, const Labels& labels) {
  return catalog.ask(metric, labels, Catalog::Origin::outside);
}

// The metric's overflow series, counted as a refusal is: for a source whose own budget has no room for another of it.
inline OutsideSeries overflow_from_outside(Catalog& catalog, const Metric& metric) {
  return catalog.ask(metric, {}, Catalog::Origin::refused_outside);
}

}  // namespace sidewatch
