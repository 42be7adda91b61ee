// A store that is filled from samples known beforehand (a file, a test's input) rather than collected, up to a time that
// the caller moves on.
//
// Each series is a source of its own, so that a gap between two samples is only a gap; a stale marker ends the series.
#pragma once

#include <cstddef>
#include <deque>

#include "base/time.h"
#include "metrics/catalog.h"
#include "metrics/openmetrics_reader.h"
#include "metrics/store.h"

namespace sidewatch {

class SampleFeed {
 public:
  SampleFeed();

  // Its samples come with the next advance(). A series that was added before must not be added again.
  void add(TimedSeries series);

  // Every sample up to and including `to` is in the store when this returns.
  void advance(Time to);

  Catalog& catalog() { return catalog_; }
  Store& store() { return store_; }

 private:
  struct Pending {
    SeriesHandle handle;
    SourceId source;
    std::vector<Point> points;
    std::size_t next = 0;
  };

  Catalog catalog_;
  Store store_;
  std::deque<Pending> series_;
  Batch batch_;
};

}  // namespace sidewatch
