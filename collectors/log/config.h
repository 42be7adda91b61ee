// What the `log` key of the configuration says: which files, what their lines look like, and what is counted of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "collectors/collector.h"
#include "collectors/log/counted.h"
#include "collectors/log/files.h"
#include "collectors/log/interpreter.h"
#include "collectors/table.h"
#include "config/section.h"

namespace sidewatch {
namespace log {

struct LogConfig {
  config::Located<std::string> name;  // the label `log` of all its series
  std::optional<Duration> interval;
  Files::Options files;
  LineFormat format;
  std::vector<LogMetric> metrics;
  Counted::Options counted;
  std::string fingerprint;
};
void declare(config::Section& section, LogConfig& config);

}  // namespace log

// Declares `log` and plans a collector for each entry.
void configure_log(config::Section& collectors, std::vector<CollectorPlan>& plans);
std::vector<MetricGroup> log_metric_groups();

}  // namespace sidewatch
