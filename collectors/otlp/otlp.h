// What an application that is instrumented with OpenTelemetry exports: OTLP over HTTP, POST /v1/metrics, in protocol
// buffers or in JSON, as the collector `otlp`.
//
// The answer to a request that can be unpacked is what the protocol asks for, in the encoding of the request: an empty
// success, a partial success that says how many data points were not taken and why, or a Status with a sentence. What is
// refused before that (too large, damaged gzip, no such encoding, too busy) is answered in plain text. A request that
// cannot be read whole (400) changes nothing.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "collectors/board_collector.h"
#include "collectors/collector.h"
#include "collectors/otlp/intake.h"
#include "collectors/table.h"
#include "config/section.h"

namespace sidewatch {
namespace otlp {

struct OtlpConfig {
  std::optional<Duration> interval;
  Translation translation;
  StreamLimits limits;
};
void declare(config::Section& section, OtlpConfig& config);
std::string fingerprint_of(const OtlpConfig& config);

class OtlpTarget final : public BoardTarget {
 public:
  explicit OtlpTarget(const OtlpConfig& config) : intake_(config.translation, config.limits) {}
  PushAnswer take(const PushRequest& request) override;

  std::size_t write(BoardWriter& writer, Catalog& catalog, Batch& batch, Time now, Exemplars* exemplars = nullptr) override;

 private:
  class Locked;
  std::mutex mutex_;  // guards the intake
  Intake intake_;
};

}  // namespace otlp

// Declares `otlp` and plans its collector.
void configure_otlp(config::Section& collectors, std::vector<CollectorPlan>& plans);
std::vector<MetricGroup> otlp_metric_groups();

}  // namespace sidewatch
