// A timer, histogram or distribution as the series of a summary (quantiles over a window) or of a classic histogram.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/statsd/mapping.h"
#include "collectors/statsd/room.h"
#include "collectors/statsd/sketch.h"
#include "collectors/statsd/window.h"
#include "metrics/catalog.h"
#include "metrics/store.h"

namespace sidewatch::statsd {

class Timings {
 public:
  // Beside `count_series`, the one of NAME_count, by which the whole is known. `shared`: it takes in what there is no room
  // for; of that only the count and the sum mean something.
  // `label_sets`: how many of this name have room.
  Timings(Room& room, const std::string& name, const Labels& labels, std::string_view help, const Observer& observer,
          bool shared, std::size_t label_sets);
  static OutsideSeries count_series(Room& room, const std::string& name, const Labels& labels, std::string_view help,
                                    const Observer& observer, std::size_t label_sets);
  // What its series are served with, of the labels that were sent.
  static Labels labels_of(const Labels& sent, const Observer& observer);

  // Of a label set for which there is no room; counted as such.
  static OutsideSeries overflow_count_series(Room& room, const std::string& name, std::string_view help,
                                             const Observer& observer);

  // What it has counted, for one of the same series that comes later: count, sum, and a histogram's buckets.
  std::vector<double> sums() const;
  // Before anything is added: goes on where `sums` ended. False: they are not those of such series.
  bool resume(const std::vector<double>& sums);

  // Whether there was room for all of its series.
  bool is_whole() const { return is_whole_; }

  // Its memory grows by what is returned; where it may not, quantiles of new magnitudes lose their accuracy.
  std::size_t add(double value, double weight, bool may_grow);
  std::size_t bytes() const;

  // At the end of a pass; `merged` is the caller's, so that its memory serves all.
  void write(const SeriesHandle& count_series, std::int64_t turn, bool touched, Sketch& merged, Batch& batch);

 private:
  const Observer observer_;
  const bool shared_;
  Window<Sketch> window_;
  double count_ = 0;
  double sum_ = 0;
  std::vector<double> in_bucket_;  // of a histogram: those above the bound before and not above its own
  std::vector<double> before_;  // until it is written first: what sums() were
  bool is_whole_ = true;
  SeriesHandle sum_series_;
  SeriesHandle min_series_;
  SeriesHandle max_series_;
  std::vector<SeriesHandle> parts_;  // by quantile, or by bucket and then +Inf
};

}  // namespace sidewatch::statsd
