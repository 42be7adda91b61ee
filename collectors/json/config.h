// What the key `json` of the configuration says: JSON that is asked for over HTTP, and what of it becomes samples.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "collectors/collector.h"
#include "collectors/json/mapping.h"
#include "collectors/outgoing_access.h"
#include "collectors/table.h"
#include "config/section.h"

namespace sidewatch {
namespace json {

struct JsonConfig {
  config::Located<std::string> name;
  config::Located<std::string> url;
  std::optional<Duration> interval;
  std::optional<Duration> timeout;  // absent: as timeout_within has it
  config::Mark timeout_mark;
  std::map<std::string, std::string> labels;
  OutgoingAccess access;
  bool any_status = false;
  config::Bytes body_size_limit{std::uint64_t{1} << 20};
  std::int64_t max_series = 1000;  // that the catalog remembers of this source
  std::vector<MetricMapping> metrics;

  Labels series_labels() const;  // instance and `labels`
};
void declare(config::Section& section, JsonConfig& config);

}  // namespace json

// Declares `json` and plans one collector for each entry.
void configure_json(config::Section& collectors, std::vector<CollectorPlan>& plans);
std::vector<MetricGroup> json_metric_groups();

}  // namespace sidewatch
