// The oldest process of a group under the names that client libraries give to their own: process_cpu_seconds_total and
// the others. They are values of one process, so a restart sets the counter back to 0, as dashboards expect it.
// The self collector shows the agent's own under the same names without a groupname.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "collectors/process/sample.h"
#include "collectors/process_metrics.h"
#include "metrics/catalog.h"
#include "metrics/store.h"

namespace sidewatch {

class ServiceMetrics {
 public:
  ServiceMetrics(const std::string& group, Catalog& catalog);

  void begin_pass() { oldest_.reset(); }
  void consider(const ProcessSample& sample, std::optional<double> start_seconds);
  void end_pass(Batch& batch);

 private:
  struct Candidate {
    ProcessSample sample;
    std::optional<double> start_seconds;
  };
  std::optional<Candidate> oldest_;
  std::array<SeriesHandle, process_metrics::index_count> series_;
};

}  // namespace sidewatch
