// What there is room for in the catalog of what comes as lines; behind it, the overflow series of each metric.
#pragma once

#include "metrics/outside_series.h"

namespace sidewatch::statsd {

class Room {
 public:
  explicit Room(Catalog& catalog) : catalog_(catalog) {}

  OutsideSeries series(const Metric& metric, const Labels& labels) { return series_from_outside(catalog_, metric, labels); }
  OutsideSeries overflow(const Metric& metric) { return overflow_from_outside(catalog_, metric); }

 private:
  Catalog& catalog_;
};

}  // namespace sidewatch::statsd
