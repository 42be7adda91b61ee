// What the parts of a database collector hand around during one pass, and how they tell of trouble.
//
// The one idea: trouble is counted when it happens and reported for as long as it stands. A query that is tried every
// five minutes and fails keeps the collector in trouble for all the passes in between, so the log has one line when it
// begins and one when it ends.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/time.h"
#include "collectors/collector.h"
#include "collectors/database/failure.h"
#include "metrics/catalog.h"
#include "metrics/store.h"

namespace sidewatch::database {

// What a connection was asked or told; by the metric sidewatch_database_errors_total.
inline constexpr std::string_view kConnect = "connect";

class FailureCounts {
 public:
  // `labels` are those of the instance.
  FailureCounts(Catalog& catalog, std::string_view engine, const Labels& labels);

  // `query`: what was asked, or kConnect.
  void count(std::string_view query, FailureKind kind);

  // All counters so far: a counter begins with its first failure and is there from then on.
  void write(Batch& batch) const;

 private:
  struct Counter {
    SeriesHandle series;
    double value = 0;
  };
  Catalog& catalog_;
  const Labels labels_;
  std::map<std::pair<std::string, FailureKind>, Counter, std::less<>> counters_;
};

struct Pass {
  Batch& batch;
  PassOutcome& outcome;
  FailureCounts& failures;
  Time now;

  // Trouble that stands, whenever it was counted. `query`: what was asked; kConnect, or empty, where it is about all.
  void report(std::string_view query, const Failure& failure);
};

// The metrics above, for the written reference.
extern const Metric errors_metric;
extern const Metric query_duration_metric;

}  // namespace sidewatch::database
