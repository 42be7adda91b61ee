#include "collectors/otlp/otlp.h"

#include <utility>

#include "base/json.h"
#include "base/protobuf.h"
#include "base/utf8.h"
#include "collectors/media_type.h"
#include "collectors/otlp/json_request.h"
#include "collectors/otlp/protobuf_request.h"
#include "collectors/otlp/refusal.h"

namespace sidewatch {
namespace otlp {
namespace {

constexpr Metric streams_metric{"sidewatch_otlp_streams", MetricType::gauge, "",
                                "What was sent with OTLP within ttl: combinations of a metric and attributes, of a "
                                "histogram or summary one."};

constexpr std::string_view json_type = "application/json";
constexpr std::string_view protobuf_type = "application/x-protobuf";

enum class Encoding { json, protobuf };

// An ExportMetricsServiceResponse.
std::string response_of(Encoding encoding, std::size_t refused, const std::string& message) {
  if (encoding == Encoding::json) {
    JsonWriter json;
    json.begin_object();
    if (refused > 0) {
      json.key("partialSuccess").begin_object();
      json.key("rejectedDataPoints").text(std::to_string(refused)).key("errorMessage").text(message).end_object();
    }
    return json.end_object().take();
  }
  std::string partial;
  append_protobuf_number(partial, 1, refused);
  append_protobuf_text(partial, 2, message);
  std::string response;
  append_protobuf_text(response, 1, partial);
  return response;
}

std::string message_of(const Taken& taken) {
  std::string message;
  for (std::size_t i = 0; i < taken.refused.size(); ++i) {
    if (taken.refused[i] == 0) continue;
    message += (message.empty() ? "" : "; ") + taken.examples[i] + " (" + std::to_string(taken.refused[i]) +
               (taken.refused[i] == 1 ? " data point)" : " data points)");
  }
  return mend_utf8(message);
}

}  // namespace

// Takes the lock when there is something to be shown: by then the request was read through, and not before.
class OtlpTarget::Locked final : public Visitor {
 public:
  Locked(OtlpTarget& target, const PushRequest& request)
      : target_(target), now_(request.now), wall_(request.wall), lock_(target.mutex_, std::defer_lock) {}

  void resource(const Attributes& attributes) override {
    begin();
    target_.intake_.resource(attributes);
  }
  void scope(std::string_view name, std::string_view version, const Attributes& attributes) override {
    target_.intake_.scope(name, version, attributes);
  }
  void metric(const SentMetric& metric) override { target_.intake_.metric(metric); }
  void point(const DataPoint& point) override { target_.intake_.point(point); }

  Taken end() { return lock_.owns_lock() ? target_.intake_.end() : Taken{}; }

 private:
  void begin() {
    if (lock_.owns_lock()) return;
    lock_.lock();
    target_.intake_.begin(now_, wall_);
  }

  OtlpTarget& target_;
  const Time now_;
  const WallTime wall_;
  std::unique_lock<std::mutex> lock_;
};

PushAnswer OtlpTarget::take(const PushRequest& request) {
  const std::string type = media_type_of(request.content_type);
  if (type != json_type && type != protobuf_type) {
    auto answer = refuse(415,
                         "OTLP comes with Content-Type: application/x-protobuf or application/json "
                         "(OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf)",
                         type);
    answer.refused.emplace_back("content_type", 1);
    return answer;
  }
  const auto encoding = type == json_type ? Encoding::json : Encoding::protobuf;
  Locked visitor(*this, request);
  const auto read = encoding == Encoding::json ? read_json_request(request.body, visitor)
                                               : read_protobuf_request(request.body, visitor);
  if (!read) {
    auto answer = refuse(400, "not an OTLP metrics request: " + read.error().text(), type);
    answer.refused.emplace_back("request", 1);
    return answer;
  }
  const auto taken = visitor.end();
  PushAnswer answer;
  answer.content_type = type;
  answer.samples = taken.points;
  for (std::size_t i = 0; i < taken.refused.size(); ++i) {
    if (taken.refused[i] > 0) answer.refused.emplace_back(to_string(static_cast<Refusal>(i)), taken.refused[i]);
  }
  answer.body = response_of(encoding, taken.refused_in_all(), message_of(taken));
  return answer;
}

std::size_t OtlpTarget::write(BoardWriter& writer, Catalog& catalog, Batch& batch, Time now, Exemplars* exemplars) {
  const std::lock_guard lock(mutex_);
  intake_.expire(now);
  writer.write(intake_.streams().board(), catalog, batch, exemplars);
  return intake_.streams().size();
}

}  // namespace otlp

void configure_otlp(config::Section& collectors, std::vector<CollectorPlan>& plans) {
  std::optional<otlp::OtlpConfig> config;
  collectors.section("otlp", config,
                     "what applications export with OpenTelemetry: OTLP over HTTP, POST /v1/metrics of this agent's HTTP port");
  if (!config) return;
  const auto target = std::make_shared<otlp::OtlpTarget>(*config);
  CollectorPlan plan;
  plan.name = "otlp";
  plan.interval = config->interval;
  plan.watches = "what OpenTelemetry exports to /v1/metrics";
  plan.receives = target;
  plan.fingerprint = otlp::fingerprint_of(*config);
  plan.make = [target, max_series = config->limits.max_series](const CollectorContext& context) {
    return make_board_collector(
        target, {otlp::streams_metric, max_series, "otlp"}, context);
  };
  plans.push_back(std::move(plan));
}

std::vector<MetricGroup> otlp_metric_groups() {
  return {{"otlp", "About what is sent with OTLP. What applications send has its own names.", {otlp::streams_metric}}};
}

}  // namespace sidewatch
