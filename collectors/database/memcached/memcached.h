// The collector of one memcached server.
#pragma once

#include <memory>
#include <vector>

#include "collectors/collector.h"
#include "collectors/database/memcached/config.h"
#include "collectors/table.h"

namespace sidewatch::database::memcached {

std::unique_ptr<Collector> make_memcached_collector(const MemcachedConfig& config, Catalog& catalog);

std::vector<MetricGroup> metric_groups();

}  // namespace sidewatch::database::memcached
