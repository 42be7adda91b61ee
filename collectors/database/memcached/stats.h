// What memcached tells with `stats` and its kin, as samples: memcached_exporter's families, and a few that need no
// arithmetic to be alerted about.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "collectors/database/series_cache.h"
#include "collectors/table.h"
#include "metrics/store.h"

namespace sidewatch::database::memcached {

// The answers of one pass; empty where it was not asked.
struct Answers {
  std::string_view general = {};   // stats
  std::string_view settings = {};  // stats settings
  std::string_view slabs = {};     // stats slabs
  std::string_view items = {};     // stats items
};

class StatsSamples {
 public:
  void add(const Answers& answers, SeriesCache& series, Batch& batch);

  // The next answers may be of another server.
  void start_over();

 private:
  void add_hit_ratio(std::string_view general, SeriesCache& series, Batch& batch);
  std::optional<double> hits_;  // of the last pass
  std::optional<double> misses_;
};

// Takes "STAT name value" off the front of `rest`. False at the end.
bool next_stat(std::string_view& rest, std::string_view& name, std::string_view& value);

std::vector<MetricGroup> stats_metric_groups();

}  // namespace sidewatch::database::memcached
