// What was pushed as it stands: one bounded table of series, filled by the server's workers and written out by passes.
//
// A series stands until nobody has sent it for `ttl`; a counter that is sent as a total stays as it was sent, one that is
// sent as what comes to it (`add`) is added up here. What is observed becomes a classic histogram or, as a summary, true
// quantiles over a window. Over a limit what is new is refused, and what there is goes on.
//
// The table knows no catalog, for it may outlive it: the handles of a pass are the caller's (PushedHandles). What a pass found
// no series for is refused from then on, also what is new then, until there is room; so is what another input has.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "collectors/kept_sums.h"
#include "collectors/push/body.h"
#include "collectors/own_names.h"
#include "collectors/series_budget.h"
#include "collectors/statsd/sketch.h"
#include "metrics/catalog.h"
#include "metrics/contests.h"
#include "metrics/store.h"

namespace sidewatch::push {

struct PushedLimits {
  Duration ttl = std::chrono::minutes(5);      // 0: for ever
  Duration window = std::chrono::minutes(1);   // of quantiles
  std::vector<double> buckets{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};  // rising, without +Inf
  std::vector<double> quantiles{0.5, 0.9, 0.95, 0.99};                                    // rising
  std::size_t max_series = 5000;  // a histogram or a summary counts as one
  std::size_t max_names = 1000;
  std::size_t max_sketch_bytes = std::size_t{8} << 20;  // of all quantiles; beyond, new magnitudes lose their accuracy
  std::size_t max_observed = 500;  // histograms and summaries among the series

  // How many series stand in the catalog when all of this is used.
  std::size_t max_catalog_series() const;
};

// The series of what stands, by the number that each has in the table.
struct PushedHandles {
  explicit PushedHandles(std::size_t max_series = SeriesBudget::unlimited) : budget(max_series) {}

  struct OfOne {
    std::vector<SeriesHandle> parts;  // some are empty where the budget is used up
    bool settled = false;             // else they are asked for again once there may be room
    bool nothing_new = false;         // of those that are not settled: no other metric has room either
    std::uint64_t pass = 0;           // that it was last written in
  };
  SeriesBudget budget;
  std::vector<LostSeries> lost;  // of the pass before, to other inputs
  std::size_t left_out = 0;  // in the last pass, of what stands: those of which a part is empty
  std::unordered_map<std::uint64_t, OfOne> by_number;
  std::uint64_t pass = 0;
  statsd::Sketch merged;  // what quantiles are taken from; here so that its memory serves all
};

class PushedSeries {
 public:
  explicit PushedSeries(PushedLimits limits);
  ~PushedSeries();

  // Absent: it was taken in.
  std::optional<Rejection> take(const PushedSample& sample, Time now);

  // Everything that is not older than the ttl; the rest is forgotten.
  void write(Catalog& catalog, PushedHandles& handles, Batch& batch, Time now);

  std::size_t size() const;

 private:
  struct Entry;
  struct Name {
    MetricType type;
    std::string help;
    std::string unit;
    std::size_t series = 0;
  };
  std::optional<Rejection> check(const PushedSample& sample, MetricType type) const;
  bool is_taken(const std::string& name, MetricType type) const;
  std::string reached_limit(const PushedSample& sample, MetricType type) const;
  Entry* entry_of(const PushedSample& sample, MetricType type, const Labels& key);
  void obtain(PushedHandles::OfOne& handles, SeriesBudget& budget, Catalog& catalog, const Entry& entry) const;
  void observe(Entry& entry, double value);
  static std::vector<double> sums_of(const Entry& entry);
  static void resume(Entry& entry, const std::vector<double>& sums);
  void write_one(Entry& entry, const std::vector<SeriesHandle>& parts, statsd::Sketch& merged, Batch& batch, Time now);
  void forget_old(Time now);

  const PushedLimits limits_;
  const OwnNames own_names_;
  mutable std::mutex mutex_;  // guards all below
  std::unordered_map<Labels, std::unique_ptr<Entry>, LabelsHash> entries_;  // by name and labels
  std::unordered_map<std::string, Name> names_;
  KeptSums kept_sums_;        // of what is added up
  bool nothing_new_ = false;  // in the last pass, there was no room for a series of a new metric
  std::size_t observed_ = 0;
  std::size_t sketch_bytes_ = 0;  // since the last pass
  std::uint64_t last_number_ = 0;
};

}  // namespace sidewatch::push
