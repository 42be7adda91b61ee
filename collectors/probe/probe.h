// All checks of the configuration, led by one event loop.
#pragma once

#include <memory>
#include <vector>

#include "collectors/collector.h"
#include "collectors/probe/config.h"

namespace sidewatch::probe {

// So many checks run at once; one that is due beyond that waits for its turn.
inline constexpr std::size_t most_at_once = 128;

std::unique_ptr<Collector> make_probe_collector(const std::vector<CheckConfig>& checks, Catalog& catalog);
std::vector<Metric> probe_collector_metrics();

// When a check runs first, after the start: spread by its name over its interval, or over a minute where that is
// shorter, so that a hundred checks never come all at once, and the same check always comes at the same time.
inline constexpr Duration longest_first_delay = std::chrono::minutes(1);
Duration first_delay(std::string_view name, Duration interval);

}  // namespace sidewatch::probe
