// What the `statsd` key of the configuration says: where lines arrive, and how long what they say stands.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "collectors/collector.h"
#include "collectors/statsd/aggregate.h"
#include "collectors/statsd/listener.h"
#include "collectors/table.h"
#include "config/section.h"

namespace sidewatch {
namespace statsd {

struct StatsdConfig {
  std::optional<Duration> interval;
  std::vector<config::Located<std::string>> listen;
  std::vector<Endpoint> endpoints;  // what `listen` says
  AggregateOptions aggregate;
  std::vector<config::Located<std::string>> relay;
  std::vector<Endpoint> relay_to;  // what `relay` says
  std::vector<config::Located<std::string>> tag_styles;
  std::vector<config::Located<std::string>> mapping_files;
  Mapper mapper;  // what they say
};
void declare(config::Section& section, StatsdConfig& config);
void declare(config::Section& section, EventOptions& options);

}  // namespace statsd

// Declares `statsd` and plans its collector.
void configure_statsd(config::Section& collectors, std::vector<CollectorPlan>& plans);
std::vector<MetricGroup> statsd_metric_groups();

}  // namespace sidewatch
