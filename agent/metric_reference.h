// Every metric that the agent can expose, written from the tables that its collectors and parts expose them from: what
// `sidewatch reference --metrics` prints and docs/metrics.md holds.
#pragma once

#include <string>
#include <vector>

#include "collectors/table.h"

namespace sidewatch {

// In the order of the table of collectors, then what the agent adds itself.
std::vector<MetricGroup> metric_groups();

// As Markdown: a table for each group, sorted by name.
std::string metrics_as_markdown();

}  // namespace sidewatch
