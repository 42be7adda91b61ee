// One page of samples that is asked for over HTTP in each pass, as Prometheus scrapes a target.
#pragma once

#include <memory>
#include <vector>

#include "collectors/collector.h"
#include "collectors/scrape/config.h"
#include "collectors/table.h"

namespace sidewatch::scrape {

std::unique_ptr<Collector> make_scrape_collector(std::shared_ptr<const TargetConfig> target, const CollectorContext& context);

std::vector<MetricGroup> metric_groups();

}  // namespace sidewatch::scrape
