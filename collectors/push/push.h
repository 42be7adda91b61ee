// What a program pushes as JSON to POST /api/v1/push, as samples: the collector `push`.
//
// The answer says how many metrics were taken and lists those that were not, each with its place and the reason; one that
// is wrong costs only itself. 200: something was taken, or nothing was sent; 400: nothing of it can be used; 429: there is
// no room for any of it; 415: it does not say that it is JSON.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "collectors/collector.h"
#include "collectors/push/pushed_series.h"
#include "collectors/push_target.h"
#include "collectors/table.h"
#include "config/section.h"

namespace sidewatch {
namespace push {

struct JsonPushConfig {
  std::optional<Duration> interval;
  PushedLimits limits;
  std::int64_t max_metrics = 5000;  // in one request
};
void declare(config::Section& section, JsonPushConfig& config);
std::string fingerprint_of(const JsonPushConfig& config);

class JsonPushTarget final : public PushTarget {
 public:
  explicit JsonPushTarget(const JsonPushConfig& config)
      : series_(config.limits), max_metrics_(static_cast<std::size_t>(config.max_metrics)) {}
  PushAnswer take(const PushRequest& request) override;
  PushedSeries& series() { return series_; }

 private:
  PushedSeries series_;
  const std::size_t max_metrics_;
};

}  // namespace push

// Declares `push` and plans its collector.
void configure_push(config::Section& collectors, std::vector<CollectorPlan>& plans);
std::vector<MetricGroup> push_metric_groups();

}  // namespace sidewatch
