// The collector of one Redis server: INFO in each pass, and beside it the parts that the configuration asks for.
#pragma once

#include <memory>
#include <vector>

#include "collectors/collector.h"
#include "collectors/database/redis/config.h"
#include "collectors/table.h"

namespace sidewatch::database::redis {

std::unique_ptr<Collector> make_redis_collector(const RedisConfig& config, Catalog& catalog);

std::vector<MetricGroup> metric_groups();

}  // namespace sidewatch::database::redis
