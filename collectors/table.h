// The table of all collectors: a new one is one more line in table.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/collector.h"
#include "config/section.h"
#include "metrics/metric.h"

namespace sidewatch {

// Metrics that belong together, for the written reference. In a name, '*' stands for what the kernel calls it.
struct MetricGroup {
  std::string title;  // "host: meminfo"
  std::string about;
  std::vector<Metric> metrics;
};

struct CollectorKind {
  std::string_view key;  // under `collectors:`
  // Declares this kind's key in the `collectors` section and adds a plan for each collector configured.
  void (*configure)(config::Section& collectors, std::vector<CollectorPlan>& plans);
  std::vector<MetricGroup> (*metrics)();
};

std::span<const CollectorKind> collector_kinds();

}  // namespace sidewatch
