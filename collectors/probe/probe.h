// All checks of the configuration, led by one event loop.
#pragma once

#include <memory>
#include <vector>

#include "collectors/bequest.h"
#include "collectors/collector.h"
#include "collectors/probe/config.h"

namespace sidewatch::probe {

// What the checks of an earlier life of it have counted is taken from `bequests`, which may be absent.
std::unique_ptr<Collector> make_probe_collector(std::shared_ptr<const ProbeConfig> config, Catalog& catalog,
                                                Bequests* bequests, Resolver resolver = look_up);
std::vector<Metric> probe_collector_metrics();

// When a check runs first, after the start: spread by its name over its interval, or over a minute where that is
// shorter, so that a hundred checks never come all at once, and the same check always comes at the same time.
inline constexpr Duration longest_first_delay = std::chrono::minutes(1);
Duration first_delay(std::string_view name, Duration interval);

}  // namespace sidewatch::probe
