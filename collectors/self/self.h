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

// The procfs root of `context` is where `self` is looked for; instruments and store may be absent.
std::unique_ptr<Collector> make_self_collector(const CollectorContext& context, Catalog& catalog);

// Declares `self` (only an interval) and always plans the collector.
void configure_self(config::Section& collectors, const CollectorContext& context, std::vector<CollectorPlan>& plans);

// Every metric that this collector exposes besides the agent's instruments.
std::span<const Metric> self_metrics();

}  // namespace sidewatch
