// JSON that is asked for over HTTP in each pass, of which the values that the configuration names become samples.
#pragma once

#include <memory>
#include <vector>

#include "collectors/collector.h"
#include "collectors/json/config.h"
#include "collectors/table.h"

namespace sidewatch::json {

std::unique_ptr<Collector> make_json_collector(std::shared_ptr<const JsonConfig> config, const CollectorContext& context);

std::vector<MetricGroup> metric_groups();

}  // namespace sidewatch::json
