// The application's own counters, gauges and timings, as it sends them in the StatsD format.
#pragma once

#include <memory>

#include "collectors/collector.h"
#include "collectors/statsd/config.h"

namespace sidewatch::statsd {

std::unique_ptr<Collector> make_statsd_collector(const StatsdConfig& config, Catalog& catalog);

}  // namespace sidewatch::statsd
