#include "collectors/remote_write/remote_write.h"

#include <chrono>
#include <utility>

#include "base/snappy.h"
#include "collectors/media_type.h"

namespace sidewatch {
namespace remote_write {
namespace {

using namespace std::chrono_literals;
using config::between;

constexpr Metric series_metric{"sidewatch_remote_write_series", MetricType::gauge, "",
                               "Series that were sent with remote write within ttl and have not ended."};

PushAnswer refuse(int status, std::string sentence, std::string_view reason) {
  auto answer = PushAnswer::text(status, std::move(sentence));
  answer.refused.emplace_back(reason, 1);
  return answer;
}

// Remote write 2.0 has its message's name among the parameters of the type, and its number in a header.
bool is_second_version(const PushRequest& request) {
  return request.content_type.find("io.prometheus.write.v2") != std::string_view::npos ||
         (request.header && request.header("X-Prometheus-Remote-Write-Version").starts_with("2."));
}

}  // namespace

void declare(config::Section& section, RemoteWriteConfig& config) {
  auto& limits = config.limits;
  section.optional("interval", config.interval, "how often what was sent becomes samples; agent.interval when absent",
                   between(100ms, 1h));
  section.optional("ttl", limits.ttl, "a series that nobody has sent for so long ends; 0s: never", between(0s, 168h));
  section.optional("max_age", limits.max_age,
                   "samples that are older when they come are left out, for rules judge the present; 0s: none is too old",
                   between(0s, 168h));
  auto max_series = static_cast<std::int64_t>(limits.max_series);
  section.optional("max_series", max_series,
                   "series that stand, or that ended and are still remembered (history.retention); further ones are left "
                   "out and counted",
                   between<std::int64_t>(1, 1'000'000));
  limits.max_series = static_cast<std::size_t>(max_series);
}

std::string fingerprint_of(const RemoteWriteConfig& config) {
  const auto& limits = config.limits;
  return std::to_string(limits.ttl.count()) + '\n' + std::to_string(limits.max_age.count()) + '\n' +
         std::to_string(limits.max_series);
}

PushAnswer RemoteWriteTarget::take(const PushRequest& request) {
  if (media_type_of(request.content_type) != "application/x-protobuf") {
    return refuse(415, "remote write comes with Content-Type: application/x-protobuf", "content_type");
  }
  if (is_second_version(request)) {
    return refuse(415, "this is remote write 2.0; send 1.0 (protobuf_message: prometheus.WriteRequest)", "content_type");
  }
  if (request.content_encoding != "snappy") {
    return refuse(415, "remote write comes with Content-Encoding: snappy", "encoding");
  }
  const auto unpacked = snappy_decompress(request.body, max_unpacked_bytes);
  switch (unpacked.state) {
    case SnappyText::State::whole: break;
    case SnappyText::State::damaged: return refuse(400, "the body cannot be unpacked: " + unpacked.text, "damaged");
    case SnappyText::State::too_large: return refuse(413, "the body is too large: " + unpacked.text, "too_large");
    case SnappyText::State::no_library: return refuse(503, unpacked.text, "no_library");
  }
  const std::unique_lock lock(mutex_);
  const auto taken = table_.take(unpacked.text, request.now, request.wall);
  if (!taken) return refuse(400, "not a write request: " + taken.error().what, "request");
  PushAnswer answer;
  answer.status = 204;
  answer.samples = taken->samples;
  for (std::size_t i = 0; i < taken->refused.size(); ++i) {
    if (taken->refused[i] > 0) answer.refused.emplace_back(to_string(static_cast<Refusal>(i)), taken->refused[i]);
  }
  return answer;
}

std::size_t RemoteWriteTarget::write(BoardWriter& writer, Catalog& catalog, Batch& batch, Time now, Exemplars* exemplars) {
  const std::lock_guard lock(mutex_);
  table_.settle(now);
  writer.write(table_.board(), catalog, batch, exemplars);
  return table_.board().size();
}

}  // namespace remote_write

void configure_remote_write(config::Section& collectors, std::vector<CollectorPlan>& plans) {
  std::optional<remote_write::RemoteWriteConfig> config;
  collectors.section("remote_write", config,
                     "what a Prometheus sends with remote write: POST /api/v1/write of this agent's HTTP port");
  if (!config) return;
  const auto target = std::make_shared<remote_write::RemoteWriteTarget>(*config);
  CollectorPlan plan;
  plan.name = "remote_write";
  plan.interval = config->interval;
  plan.watches = "what is sent with Prometheus's remote write to /api/v1/write";
  plan.receives = target;
  plan.fingerprint = remote_write::fingerprint_of(*config);
  plan.make = [target, max_series = config->limits.max_series](const CollectorContext& context) {
    return make_board_collector(
        target, {remote_write::series_metric, max_series, "remote_write"}, context);
  };
  plans.push_back(std::move(plan));
}

std::vector<MetricGroup> remote_write_metric_groups() {
  return {{"remote_write", "About what is sent with remote write, whose series have their own names.",
           {remote_write::series_metric}}};
}

}  // namespace sidewatch
