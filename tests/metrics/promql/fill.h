// Fills a store from a readable description, each series by a source of its own, so that a gap is only a gap: what is
// left out does not go stale, what is written as `stale` does.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/store.h"

namespace sidewatch::promql {

class Fixture {
 public:
  Fixture()
      : catalog_({.max_series = 100'000, .max_series_per_metric = 100'000}, Labels()),
        store_(catalog_, {.retention = std::chrono::hours(24), .max_bytes = std::size_t{256} << 20U}) {}

  // add({"up", {{"job", "a"}}}, 0, 15, "1 1 _ 0 stale NaN +Inf"): a value at 0 s, 15 s, ... `_` is no sample.
  void add(std::string_view name, const Labels& labels, double start_seconds, double step_seconds,
           std::string_view values);

  // The same with the times given: ms and value, in order; the stale marker ends the series.
  void add(std::string_view name, const Labels& labels, const std::vector<Point>& points);

  const Store& store() const { return store_; }
  Catalog& catalog() { return catalog_; }

 private:
  Catalog catalog_;
  Store store_;
  std::deque<SeriesHandle> handles_;
};

}  // namespace sidewatch::promql
