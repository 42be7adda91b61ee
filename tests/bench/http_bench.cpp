// The HTTP server over a real socket, one keep-alive connection: time per request as the client sees it (p50, p99), and
// the parts of it that are ours alone.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "agent/http/request_reader.h"
#include "agent/http/router.h"
#include "agent/http/server.h"
#include "tests/agent/raw_client.h"

namespace sidewatch {
namespace {

const std::string scrape =
    "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:9766\r\nUser-Agent: Prometheus/2.42.0\r\n"
    "Accept: application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\nAccept-Encoding: gzip\r\n"
    "X-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n";

std::vector<HttpRoute> routes(std::size_t page_bytes) {
  const auto page = std::make_shared<const std::string>(page_bytes, 'x');
  std::vector<HttpRoute> routes;
  // As many others before it as the agent has.
  for (const char* path : {"/-/healthy", "/-/ready", "/api/v1/alerts", "/api/v1/query", "/api/v1/label/{name}/values"}) {
    routes.push_back({"GET", path, [](const HttpRequest&) { return HttpResponse::text(200, "ok\n"); }});
  }
  routes.push_back({"GET", "/metrics", [page](const HttpRequest&) { return HttpResponse::shared("text/plain", page); }});
  return routes;
}

double percentile_us(std::vector<double>& times, double share) {
  const auto nth = times.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(times.size() - 1));
  std::nth_element(times.begin(), nth, times.end());
  return *nth;
}

void scrape_page(benchmark::State& state) {
  HttpConfig config;
  config.listen = {{"127.0.0.1:0", {}}};
  auto server = HttpServer::start(config, routes(static_cast<std::size_t>(state.range(0))));
  if (!server) return state.SkipWithError(server.error().text().c_str());
  RawClient client((*server)->bound_port());
  std::vector<double> times;
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    client.send(scrape);
    if (!client.response()) return state.SkipWithError("no response");
    times.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
  }
  state.counters["p50_us"] = percentile_us(times, 0.5);
  state.counters["p99_us"] = percentile_us(times, 0.99);
}

void read_request(benchmark::State& state) {
  HttpRequestReader reader;
  for (auto _ : state) {
    reader.feed(scrape);
    benchmark::DoNotOptimize(reader.take());
  }
}

void route_request(benchmark::State& state) {
  HttpRouter router(routes(100));
  HttpRequestReader reader;
  reader.feed(scrape);
  const HttpRequest request = reader.take();
  for (auto _ : state) {
    HttpRequest copy = request;
    benchmark::DoNotOptimize(router.answer(copy));
  }
}

BENCHMARK(scrape_page)->Arg(100)->Arg(100'000)->Arg(1'000'000)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(read_request)->Unit(benchmark::kMicrosecond);
BENCHMARK(route_request)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace sidewatch
