#include "agent/push_routes.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "agent/http/query.h"
#include "base/gzip.h"
#include "collectors/otlp/refusal.h"

namespace sidewatch {
namespace {

constexpr std::array kPaths{
    PushPath{"otlp", "POST", "/v1/metrics", "OpenTelemetry metrics (OTLP)", "", otlp::refuse},
    PushPath{"remote_write", "POST", "/api/v1/write", "what is sent with remote write", "snappy"},
    PushPath{"push", "POST", "/api/v1/push", "samples as JSON", ""},
    PushPath{"pushgateway", "PUT", "/metrics/{rest...}", "what batch jobs push", ""},
    PushPath{"pushgateway", "POST", "/metrics/{rest...}", "what batch jobs push", ""},
    PushPath{"pushgateway", "DELETE", "/metrics/{rest...}", "what batch jobs push", ""},
    PushPath{"heartbeat", "GET", "/ping/{rest...}", "heartbeats of jobs", ""},
    PushPath{"heartbeat", "POST", "/ping/{rest...}", "heartbeats of jobs", ""},
};

constexpr Metric requests_metric{"sidewatch_push_requests_total", MetricType::counter, "",
                                 "Pushes that were answered, by kind and HTTP status."};
constexpr Metric samples_metric{"sidewatch_push_samples_total", MetricType::counter, "",
                                "Samples that pushes brought and that were taken in, by kind."};
constexpr Metric refused_metric{"sidewatch_push_refused_total", MetricType::counter, "",
                                "What of pushes was not taken in, by kind and reason."};
constexpr Metric all_metrics[] = {requests_metric, samples_metric, refused_metric};

// How often a program that found no room should try again: in one second.
constexpr const char* retry_after_seconds = "1";

// The segments of the target behind the fixed part of the route, each decoded by itself: a slash that was written %2F is
// part of a value and not the end of it.
std::vector<std::string> segments_behind(std::string_view route, std::string_view target) {
  std::vector<std::string> segments;
  const auto rest = route.find("/{");
  if (rest == std::string_view::npos) return segments;
  target = target.substr(0, target.find('?'));
  const auto fixed = std::count(route.begin(), route.begin() + static_cast<std::ptrdiff_t>(rest), '/');
  for (std::ptrdiff_t number = 0; !target.empty(); ++number) {
    target.remove_prefix(1);  // the slash
    const auto end = std::min(target.find('/'), target.size());
    if (number >= fixed) segments.push_back(decode_path(target.substr(0, end)));
    target.remove_prefix(end);
  }
  return segments;
}

// What is to be read, or why it cannot be.
struct Body {
  std::optional<std::string> unpacked;  // absent: the body as it came
  std::string packed;                   // what is left for the target to unpack; empty: nothing
  struct Refusal {
    int status = 0;
    std::string sentence;
    std::string_view reason;
  };
  std::optional<Refusal> refusal;
};

Body refuse(int status, std::string sentence, std::string_view reason) {
  Body body;
  body.refusal = {status, std::move(sentence), reason};
  return body;
}

// The reason that is counted of what the server itself refuses; empty: none.
std::string_view reason_of(int status) {
  switch (status) {
    case 413: return "too_large";
    case 503: return "busy";
    default: return "";
  }
}

Body unpack(const HttpRequest& request, const PushPath& path, std::size_t max_bytes) {
  Body body;
  const std::string encoding = request.header("Content-Encoding");
  if (encoding.empty() || same_ignoring_case(encoding, "identity")) return body;
  if (same_ignoring_case(encoding, path.encoding)) {
    body.packed = path.encoding;
  } else if (same_ignoring_case(encoding, "gzip") || same_ignoring_case(encoding, "x-gzip")) {
    auto text = gzip_decompress(request.body, max_bytes);
    if (text) {
      body.unpacked = std::move(*text);
    } else if (text.error().what.starts_with("unpacks to more")) {
      return refuse(413, "the body " + text.error().what + " (http.max_push_bytes)", "too_large");
    } else {
      return refuse(400, "the body is not what its Content-Encoding says: " + text.error().what, "damaged");
    }
  } else {
    return refuse(415, "send the body with Content-Encoding: gzip, or without any", "encoding");
  }
  return body;
}

class PushRoute {
 public:
  PushRoute(const PushPath& path, const PushContext& context) : path_(path), context_(context) {}

  HttpResponse answer(const HttpRequest& request) const { return counted(take(request)); }

  // Before it came here.
  HttpResponse refuse(const HttpRequest& request, int status, const std::string& why) const {
    auto answer = refusal(request, status, why, reason_of(status));
    if (status == 503) answer.headers.emplace_back("Retry-After", retry_after_seconds);
    return counted(std::move(answer));
  }

 private:
  PushAnswer refusal(const HttpRequest& request, int status, const std::string& why, std::string_view reason) const {
    auto answer = path_.refuse != nullptr ? path_.refuse(status, why, request.header("Content-Type"))
                                          : PushAnswer::text(status, why);
    if (!reason.empty()) answer.refused.emplace_back(reason, 1);
    return answer;
  }

  PushAnswer take(const HttpRequest& request) const {
    const auto targets = context_.targets.read();
    const auto target = targets->find(path_.kind);
    if (target == targets->end()) {
      return refusal(request, 404,
                     "nothing here takes what you push: set collectors." + std::string(path_.kind) +
                         " in the agent's configuration to take " + std::string(path_.what),
                     "");
    }
    Body body = unpack(request, path_, context_.max_bytes);
    if (body.refusal) return refusal(request, body.refusal->status, body.refusal->sentence, body.refusal->reason);
    const std::string content_type = request.header("Content-Type");
    PushRequest push;
    push.method = path_.method;
    push.segments = segments_behind(path_.path, request.target);
    push.content_type = content_type;
    push.content_encoding = body.packed;
    push.body = body.unpacked ? *body.unpacked : request.body;
    push.header = [&request](std::string_view name) { return request.header(name); };
    push.now = request.received;
    push.wall = to_wall(request.received, context_.clock.wall_step());
    return target->second->take(push);
  }

  HttpResponse counted(PushAnswer answer) const {
    context_.instruments.counter(requests_metric, {{"kind", path_.kind}, {"code", std::to_string(answer.status)}})
        .increment();
    if (answer.samples > 0) {
      context_.instruments.counter(samples_metric, {{"kind", path_.kind}})
          .increment(static_cast<double>(answer.samples));
    }
    for (const auto& [reason, count] : answer.refused) {
      context_.instruments.counter(refused_metric, {{"kind", path_.kind}, {"reason", reason}})
          .increment(static_cast<double>(count));
    }
    auto response = HttpResponse::text(answer.status, std::move(answer.body));
    response.content_type = std::move(answer.content_type);
    for (auto& [name, value] : answer.headers) response.headers.push_back({std::move(name), std::move(value)});
    return response;
  }

  const PushPath path_;
  const PushContext context_;
};

}  // namespace

std::span<const PushPath> push_paths() { return kPaths; }

std::span<const Metric> push_metrics() { return all_metrics; }

void add_push_routes(std::vector<HttpRoute>& routes, const PushContext& context, std::span<const PushPath> paths) {
  for (const auto& path : paths) {
    const auto push = std::make_shared<const PushRoute>(path, context);
    HttpRoute route{std::string(path.method), std::string(path.path),
                    [push](const HttpRequest& request) { return push->answer(request); }};
    route.runs = HttpRoute::Runs::on_worker;
    route.refuse = [push](const HttpRequest& request, int status, const std::string& why) {
      return push->refuse(request, status, why);
    };
    route.takes_pushes = true;
    routes.push_back(std::move(route));
  }
}

}  // namespace sidewatch
