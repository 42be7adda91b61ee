// What a data point costs that is sent with OTLP or with remote write, in a repeated export (its streams are known) and in
// a first one. items_per_second is data points; the CPU time of one is its inverse.
#include <benchmark/benchmark.h>

#include <string>

#include "collectors/otlp/otlp.h"
#include "collectors/remote_write/table.h"
#include "tests/collectors/otlp/request.h"

namespace sidewatch {
namespace {

namespace wire = otlp::wire;

constexpr int points = 1000;

std::string gauges(std::uint64_t time) {
  std::string all;
  for (int i = 0; i < points; ++i) {
    all += wire::bytes(1, wire::attribute(7, "http.route", "/cart/" + std::to_string(i)) + wire::attribute(7, "http.request.method", "GET") +
                              wire::attribute(7, "server.address", "shop.example") + wire::fixed(3, time) + wire::real(4, i));
  }
  return wire::request(wire::metric("requests.active", "", 5, all), wire::attribute(1, "service.name", "checkout"));
}

std::string histograms(std::uint64_t time) {
  std::string all;
  for (int i = 0; i < points; ++i) {
    all += wire::bytes(1, wire::attribute(9, "http.route", "/cart/" + std::to_string(i)) + wire::fixed(3, time) + wire::fixed(4, 10) +
                              wire::real(5, 1) + wire::fixeds(6, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}) +
                              wire::reals(7, {0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}));
  }
  return wire::request(wire::metric("request.duration", "s", 9, all + wire::varint(2, wire::cumulative)));
}

std::string json_gauges() {
  std::string all;
  for (int i = 0; i < points; ++i) {
    all += (i == 0 ? "" : ",") + std::string(R"({"attributes":[{"key":"http.route","value":{"stringValue":"/cart/)") + std::to_string(i) +
           R"("}},{"key":"http.request.method","value":{"stringValue":"GET"}}],"timeUnixNano":"1795277680000000000","asDouble":)" +
           std::to_string(i) + "}";
  }
  return R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","gauge":{"dataPoints":[)" + all + "]}}]}]}]}";
}

otlp::OtlpConfig roomy() {
  otlp::OtlpConfig config;
  config.limits.max_series = 100'000;
  return config;
}

void take(benchmark::State& state, const std::string& body, std::string_view type) {
  otlp::OtlpTarget target(roomy());
  PushRequest request;
  request.content_type = type;
  request.body = body;
  request.now = time_at_ms(1'000'000);
  request.wall = *from_rfc3339("2100-01-01T00:00:00Z");  // no usual time is ahead of it
  for (auto _ : state) {
    if (target.take(request).samples != points) state.SkipWithError("data points were refused");
  }
  state.SetItemsProcessed(state.iterations() * points);
}

void otlp_gauges_again(benchmark::State& state) { take(state, gauges(1), "application/x-protobuf"); }
void otlp_histograms_again(benchmark::State& state) { take(state, histograms(1), "application/x-protobuf"); }
void otlp_json_gauges(benchmark::State& state) { take(state, json_gauges(), "application/json"); }

void otlp_gauges_first(benchmark::State& state) {
  const auto body = gauges(1);
  for (auto _ : state) {
    state.PauseTiming();
    otlp::OtlpTarget target(roomy());
    state.ResumeTiming();
    PushRequest request;
    request.content_type = "application/x-protobuf";
    request.body = body;
    benchmark::DoNotOptimize(target.take(request).samples);
  }
  state.SetItemsProcessed(state.iterations() * points);
}

// A pass: everything that stands, into a batch.
void otlp_pass(benchmark::State& state) {
  otlp::OtlpTarget target(roomy());
  PushRequest request;
  request.content_type = "application/x-protobuf";
  const auto body = gauges(1);
  request.body = body;
  request.now = time_at_ms(1'000'000);
  request.wall = *from_rfc3339("2100-01-01T00:00:00Z");  // no usual time is ahead of it
  target.take(request);
  Catalog catalog{{}, {}};
  BoardWriter writer;
  Batch batch;
  for (auto _ : state) {
    batch.clear();
    target.write(writer, catalog, batch, request.now);
  }
  state.SetItemsProcessed(state.iterations() * points);
}

void remote_write_again(benchmark::State& state) {
  std::string body;
  for (int i = 0; i < points; ++i) {
    std::string series;
    for (const auto& [name, value] : {std::pair<std::string, std::string>{"__name__", "requests_active"},
                                      {"instance", "127.0.0.1:8080"},
                                      {"job", "checkout"},
                                      {"route", "/cart/" + std::to_string(i)}}) {
      series += wire::bytes(1, wire::bytes(1, name) + wire::bytes(2, value));
    }
    body += wire::bytes(1, series + wire::bytes(2, wire::real(1, i) + wire::varint(2, 1'000'000)));
  }
  remote_write::Table table({});
  for (auto _ : state) {
    const auto taken = table.take(body, time_at_ms(1'000'000), WallTime(Duration(1'000'000)));
    if (!taken || taken->samples != points) state.SkipWithError("samples were refused");
  }
  state.SetItemsProcessed(state.iterations() * points);
}

BENCHMARK(otlp_gauges_again);
BENCHMARK(otlp_gauges_first);
BENCHMARK(otlp_histograms_again);
BENCHMARK(otlp_json_gauges);
BENCHMARK(otlp_pass);
BENCHMARK(remote_write_again);

}  // namespace
}  // namespace sidewatch
