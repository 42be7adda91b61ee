// The hot path from a sample to a page: appending, copying the values out, rendering, packing; and, on the same data,
// what prometheus-cpp's registry and serializer take.
#include <benchmark/benchmark.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/gzip.h"
#include "metrics/exposition.h"
#include "metrics/store.h"

namespace sidewatch {
namespace {

constexpr int series_per_family = 20;

// As many series as asked for, in families of twenty (every other one of counters), with two labels each and values of
// mixed kinds.
struct Host {
  explicit Host(std::int64_t count) : catalog({.max_series = 200'000, .max_series_per_metric = 200'000}, {}) {
    for (int i = 0; i < count; ++i) {
      const std::string name = family_name(i);
      const bool counter = name.ends_with("_total");
      const Metric metric{name, counter ? MetricType::counter : MetricType::gauge, "",
                          "What is measured here, in a sentence."};
      series.push_back(catalog.series(metric, {{"device", device(i)}, {"mode", "read"}}));
    }
  }
  static std::string family_name(int i) {
    const int family = i / series_per_family;
    return "node_family_" + std::to_string(family) + (family % 2 ? "_total" : "_bytes");
  }
  static std::string device(int i) { return "sd" + std::to_string(i % series_per_family); }
  static double value(int i, int pass) {
    switch (i % 4) {
      case 0: return 1048576.0 * i;                                      // a size
      case 1: return static_cast<double>(i + pass * 7 + pass % 5);       // a counter
      case 2: return static_cast<double>(i * 100 + pass * 490 + pass % 9) / 100;  // CPU seconds
      default: return std::sqrt(i + pass + 0.5);                         // a ratio, a latency
    }
  }
  void pass(int number) {
    batch.clear();
    for (std::size_t i = 0; i < series.size(); ++i) batch.add(series[i], value(static_cast<int>(i), number));
    store.append(source, time_at_ms(std::int64_t{number} * 5000), batch);
  }

  Catalog catalog;
  Store store{catalog, {std::chrono::hours(1), std::size_t{256} << 20}};
  SourceId source = store.add_source("host");
  std::vector<SeriesHandle> series;
  Batch batch;
};

void append(benchmark::State& state) {
  Host host(state.range(0));
  int pass = 0;
  for (auto _ : state) host.pass(pass++);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void snapshot(benchmark::State& state) {
  Host host(state.range(0));
  host.pass(0);
  for (auto _ : state) benchmark::DoNotOptimize(host.store.snapshot());
}

void render(benchmark::State& state, ExpositionFormat format) {
  Host host(state.range(0));
  host.pass(0);
  std::string page;
  for (auto _ : state) {
    render_exposition(host.store.snapshot(), format, page);
    benchmark::DoNotOptimize(page.data());
  }
  state.counters["page_bytes"] = static_cast<double>(page.size());
}
void render_text(benchmark::State& state) { render(state, ExpositionFormat::prometheus_text); }
void render_openmetrics(benchmark::State& state) { render(state, ExpositionFormat::openmetrics); }

void render_prometheus_cpp(benchmark::State& state) {
  prometheus::Registry registry;
  for (int i = 0; i < state.range(0); ++i) {
    auto& family = prometheus::BuildGauge().Name(Host::family_name(i)).Help("What is measured here, in a sentence.")
                       .Register(registry);
    family.Add({{"device", Host::device(i)}, {"mode", "read"}}).Set(Host::value(i, 0));
  }
  const prometheus::TextSerializer serializer;
  std::string page;
  for (auto _ : state) {
    page = serializer.Serialize(registry.Collect());
    benchmark::DoNotOptimize(page.data());
  }
  state.counters["page_bytes"] = static_cast<double>(page.size());
}

void pack(benchmark::State& state) {
  Host host(state.range(0));
  host.pass(0);
  std::string page;
  std::string packed;
  render_exposition(host.store.snapshot(), ExpositionFormat::prometheus_text, page);
  GzipCompressor compressor(1);
  for (auto _ : state) compressor.compress(page, packed);
  state.counters["packed_bytes"] = static_cast<double>(packed.size());
}

// An hour of samples each 5 s: what the history takes per sample, and how long reading it all back takes.
void read_an_hour(benchmark::State& state) {
  Host host(state.range(0));
  for (int i = 0; i < 720; ++i) host.pass(i);
  std::vector<Point> points;
  for (auto _ : state) {
    for (const auto& one : host.series) {
      points.clear();
      host.store.range(one.id(), time_at_ms(-1), time_at_ms(720 * 5000), points);
    }
  }
  const auto samples = static_cast<double>(state.range(0) * 720);
  state.SetItemsProcessed(state.iterations() * state.range(0) * 720);
  state.counters["bytes_per_sample"] = static_cast<double>(host.store.history_bytes()) / samples;
}

void read_latest(benchmark::State& state) {
  Host host(state.range(0));
  host.pass(0);
  for (auto _ : state) {
    for (const auto& one : host.series) {
      benchmark::DoNotOptimize(host.store.latest(one.id(), time_at_ms(1000), std::chrono::minutes(5)));
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(append)->Arg(100)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(snapshot)->Arg(100)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(render_text)->Arg(100)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(render_openmetrics)->Arg(100)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(render_prometheus_cpp)->Arg(100)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(pack)->Arg(1'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(read_an_hour)->Arg(1'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(read_latest)->Arg(10'000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace sidewatch
