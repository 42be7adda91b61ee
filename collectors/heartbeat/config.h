// What the `heartbeat` key of the configuration says: which jobs tell that they ran, and how often they should.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "collectors/collector.h"
#include "collectors/table.h"
#include "config/section.h"

namespace sidewatch {
namespace heartbeat {

inline constexpr std::size_t max_heartbeats = 1000;

struct HeartbeatConfig {
  config::Located<std::string> name;
  Duration every{0};
  Duration grace = std::chrono::minutes(1);
};
void declare(config::Section& section, HeartbeatConfig& config);

}  // namespace heartbeat

// Declares `heartbeat` and plans one collector for all of them.
void configure_heartbeat(config::Section& collectors, std::vector<CollectorPlan>& plans);
std::vector<MetricGroup> heartbeat_metric_groups();

}  // namespace sidewatch
