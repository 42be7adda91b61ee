// What the `exec` key of the configuration says: which programs are run, as whom, how often, and what they write.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "collectors/collector.h"
#include "collectors/exec/measures.h"
#include "collectors/table.h"
#include "config/section.h"

namespace sidewatch {
namespace exec {

struct ExecConfig {
  config::Located<std::string> name;
  std::vector<std::string> command;
  ReadingOptions reading;
  Duration interval = std::chrono::minutes(1);
  Duration timeout = std::chrono::seconds(10);
  std::string user;  // empty: the agent's own
  std::map<std::string, config::Secret> environment;
  std::string directory = "/";
  config::Bytes max_output{1 << 20};
  config::Bytes max_memory;  // 0: no limit
  std::int64_t nice = 0;
};
void declare(config::Section& section, ExecConfig& config);

// How often the result of the last run is told: an equal part of `interval`, for whom the results are to be there between
// two runs as well.
Duration pass_interval(Duration interval);

}  // namespace exec

// Declares `exec` and plans a collector for each command.
void configure_exec(config::Section& collectors, std::vector<CollectorPlan>& plans);
std::vector<MetricGroup> exec_metric_groups();

}  // namespace sidewatch
