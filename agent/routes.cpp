#include "agent/routes.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "agent/api/federate.h"
#include "agent/api/query.h"
#include "agent/api/rules.h"
#include "agent/api/series.h"
#include "base/process_token.h"
#include "metrics/exposition.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

// The loop wakes at least once a second: a pulse this old means that it hangs.
constexpr Duration healthy_within = 10s;

std::int64_t monotonic_ms() {
  return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

HttpResponse metrics_page(const RouteParts& parts, const HttpRequest& request) {
  // Each scrape of itself would bring all that the one before brought, once more.
  if (request.header(scraper_header) == process_token()) {
    return HttpResponse::text(508, "this is the page of the agent that asks for it\n");
  }
  const auto format = choose_format(request.header("Accept"));
  const bool gzip = accepts_gzip(request.header("Accept-Encoding"));
  auto response = HttpResponse::shared(std::string(content_type(format)), parts.pages.page(format, gzip));
  if (gzip) response.headers.push_back({"Content-Encoding", "gzip"});
  response.headers.push_back({"Vary", "Accept, Accept-Encoding"});
  return response;
}

HttpResponse healthy(const RouteParts& parts) {
  const Duration age = parts.heartbeat.age();
  if (age > healthy_within) return HttpResponse::text(503, "the loop has not moved for " + to_words(age) + "\n");
  return HttpResponse::text(200, "sidewatch is healthy\n");
}

HttpResponse ready(const RouteParts& parts) {
  if (!parts.ready) return HttpResponse::text(503, "starting: not every collector has ended its first pass\n");
  return HttpResponse::text(200, "sidewatch is ready\n");
}

HttpResponse reload(const RouteParts& parts, const HttpRequest& request) {
  if (!request.peer.is_loopback && !parts.allow_remote_reload) {
    return HttpResponse::text(403, "reloading from another machine is off (http.allow_remote_reload)\n");
  }
  const auto reloaded = parts.reload();
  if (!reloaded) {
    return HttpResponse::text(500, "the configuration was not taken, the old one goes on:\n" + reloaded.error().text());
  }
  return HttpResponse::text(200, *reloaded);
}

// What can be pushed: a line for each path.
std::string push_page() {
  constexpr std::size_t column = 32;
  std::string text = "\nWhat programs push, where it is configured:\n";
  std::string_view last;
  for (const auto& path : push_paths()) {
    if (std::exchange(last, path.path) == path.path) continue;
    std::string line(path.path);
    line.resize(std::max(line.size() + 1, column), ' ');
    text += line + std::string(path.what) + " (collectors." + std::string(path.kind) + ")\n";
  }
  return text;
}

HttpResponse front_page() {
  return HttpResponse::text(200,
                            std::string("sidewatch\n\n"
                            "/metrics                        every sample, for Prometheus\n"
                            "/api/v1/alerts                  what is pending or firing\n"
                            "/api/v1/outbox                  what waits to be told, and the dead letters; DELETE drops\n"
                            "/api/v1/outbox/{id}             one of them; DELETE drops it\n"
                            "/api/v1/outbox/retry            POST: try it now, send dead letters again\n"
                            "/-/healthy                      whether the agent works\n"
                            "/-/ready                        whether every collector has been read once\n"
                            "/-/reload                       POST: read the configuration again\n"
                            "\n"
                            "As a Prometheus answers, for Grafana and promtool:\n"
                            "/api/v1/query                   ?query=EXPR [&time=T]\n"
                            "/api/v1/query_range             ?query=EXPR&start=T&end=T&step=D\n"
                            "/api/v1/query_exemplars         ?query=EXPR [&start=T&end=T]\n"
                            "/api/v1/format_query            ?query=EXPR\n"
                            "/api/v1/series                  ?match[]=SELECTOR\n"
                            "/api/v1/labels                  the names of all labels\n"
                            "/api/v1/label/{name}/values     the values of one\n"
                            "/api/v1/metadata                what each metric means\n"
                            "/api/v1/rules                   ?type=alert|record\n"
                            "/api/v1/targets                 how the collectors are doing\n"
                            "/api/v1/status/buildinfo        which Prometheus this answers like\n"
                            "/api/v1/status/config           the configuration in force, without secrets\n"
                            "/api/v1/status/flags            how it was started\n"
                            "/api/v1/status/runtimeinfo      since when, and when it was configured\n"
                            "/api/v1/status/tsdb             which metrics and labels have most series\n"
                            "/federate                       ?match[]=SELECTOR: latest samples with their times\n"
                            "\n"
                            "As an Alertmanager answers, for amtool and Grafana:\n"
                            "/api/v2/alerts                  what fires\n"
                            "/api/v2/silences                what is kept quiet; POST sets a silence\n"
                            "/api/v2/silence/{id}            one of them; DELETE ends it\n"
                            "/api/v2/receivers               who is told\n"
                            "/api/v2/status                  which agent this is\n") +
                                push_page());
}

}  // namespace

void Heartbeat::beat() { last_ms_.store(monotonic_ms(), std::memory_order_relaxed); }

Duration Heartbeat::age() const { return Duration(monotonic_ms() - last_ms_.load(std::memory_order_relaxed)); }

std::vector<HttpRoute> make_routes(RouteParts given) {
  const auto parts = std::make_shared<RouteParts>(std::move(given));
  std::vector<HttpRoute> routes = {
      {"GET", "/metrics", [parts](const HttpRequest& request) { return metrics_page(*parts, request); }},
      {"GET", "/", [](const HttpRequest&) { return front_page(); }},
      {"GET", "/-/healthy", [parts](const HttpRequest&) { return healthy(*parts); }},
      {"GET", "/-/ready", [parts](const HttpRequest&) { return ready(*parts); }},
      {"POST", "/-/reload", [parts](const HttpRequest& request) { return reload(*parts, request); }},
  };
  add_query_routes(routes, parts->queries);
  add_series_routes(routes, parts->queries);
  add_federate_route(routes, parts->queries);
  add_rule_routes(routes, parts->alerts, parts->groups);
  add_status_routes(routes, parts->queries, parts->status);
  add_alertmanager_routes(routes, parts->alertmanager);
  add_outbox_routes(routes, parts->outbox);
  add_push_routes(routes, parts->pushes);
  return routes;
}

}  // namespace sidewatch
