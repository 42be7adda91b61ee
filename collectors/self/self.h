// What the agent says about itself: its own process under the client libraries' names, and its instruments.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "collectors/collector.h"
#include "collectors/table.h"
#include "config/section.h"

namespace sidewatch {

// `procfs` is where `self` is looked for.
std::unique_ptr<Collector> make_self_collector(const CollectorContext& context, std::string procfs = "/proc");

// Declares `self` (only an interval) and always plans the collector.
void configure_self(config::Section& collectors, std::vector<CollectorPlan>& plans);

std::vector<MetricGroup> self_metric_groups();

// Every metric that this collector exposes besides the agent's instruments.
std::span<const Metric> self_metrics();

}  // namespace sidewatch
