// /api/v1/targets and /api/v1/status/*: how the agent itself is doing, in the words of a Prometheus.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "agent/api/context.h"
#include "agent/collector_set.h"
#include "agent/http/message.h"
#include "agent/published.h"
#include "alerting/mute_times.h"
#include "alerting/routes/route.h"

namespace sidewatch {

// The configuration in force, and what became of the last attempt to read it again.
struct ConfigView {
  std::string text;       // YAML, without secrets
  Time read_at;           // the last time that it was taken
  bool reloaded_well = true;
  Router router = {};  // knows the receivers, too
  std::vector<MuteTime> mute_times = {};
  std::string host = {};  // agent.host
};

struct StatusContext {
  const Published<std::vector<CollectorView>>& collectors;
  const Published<ConfigView>& config;
  Time started;
  std::vector<std::pair<std::string, std::string>> flags;  // {"config.file", "sidewatch.yaml"}, ...
  Duration retention{0};
};

void add_status_routes(std::vector<HttpRoute>& routes, const QueryContext& queries, const StatusContext& status);

}  // namespace sidewatch
