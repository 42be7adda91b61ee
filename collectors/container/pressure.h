// Pressure stall information of a cgroup (Linux Documentation/accounting/psi.rst): time that its tasks, and nobody
// else's, waited for CPU, memory or I/O. cgroup v2 only, and only where the kernel was built and started with it.
#pragma once

#include <array>
#include <vector>

#include "collectors/container/cgroup_files.h"
#include "collectors/container/metrics.h"
#include "metrics/catalog.h"

namespace sidewatch::container {

class PressurePart {
 public:
  PressurePart(Catalog& catalog, const Labels& labels, const Levels& levels);
  void sample(PassContext& pass);

 private:
  const ProcDir& directory_;
  std::array<SeriesHandle, kPressureMetrics.size()> series_;
  std::vector<ProcFile> files_;
};

}  // namespace sidewatch::container
