// What an evaluation costs: the shapes that rules have, prepared once and evaluated again and again, and queries over an
// hour as Grafana asks them.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "metrics/promql/expression.h"
#include "tests/metrics/promql/fill.h"

namespace sidewatch::promql {
namespace {

// `count` series each of used and size, and a counter with 5 minutes of history.
std::unique_ptr<Fixture> filled(std::int64_t count) {
  auto fixture = std::make_unique<Fixture>();
  for (std::int64_t i = 0; i < count; ++i) {
    const Labels labels{{"instance", "host-" + std::to_string(i) + ".example.org:9100"}, {"job", "node"}};
    fixture->add("used_bytes", labels, 0, 300, "80 85");
    fixture->add("size_bytes", labels, 0, 300, "100 100");
    std::vector<Point> points;
    for (int second = 0; second <= 300; second += 5) {
      points.push_back({time_at_ms(second * 1000), static_cast<double>(second) * 3});
    }
    fixture->add("requests_total", labels, points);
  }
  return fixture;
}

void evaluate_again(benchmark::State& state, std::string_view text) {
  const auto fixture = filled(state.range(0));
  PreparedQuery query(*Expression::parse(text));
  for (auto _ : state) {
    auto value = query.evaluate(fixture->store(), time_at_ms(300'000));
    if (!value) state.SkipWithError(value.error().text().c_str());
    benchmark::DoNotOptimize(value);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void threshold_crossed(benchmark::State& state) { evaluate_again(state, "used_bytes > 80"); }
void threshold_not_crossed(benchmark::State& state) { evaluate_again(state, "used_bytes > 90"); }
void ratio(benchmark::State& state) { evaluate_again(state, "100 * (1 - used_bytes / size_bytes) < 10"); }
void rate_of_five_minutes(benchmark::State& state) { evaluate_again(state, "rate(requests_total[5m]) > 10"); }
void sum_by_job(benchmark::State& state) { evaluate_again(state, "sum by (job) (used_bytes)"); }
BENCHMARK(threshold_crossed)->Arg(1)->Arg(1000);
BENCHMARK(threshold_not_crossed)->Arg(1)->Arg(1000);
BENCHMARK(ratio)->Arg(1)->Arg(1000);
BENCHMARK(rate_of_five_minutes)->Arg(1)->Arg(1000);
BENCHMARK(sum_by_job)->Arg(1)->Arg(1000);

// As many rules as series, each about one of them: the budget is 10 ms for 10 000.
void rules_over_their_own_series(benchmark::State& state) {
  const auto fixture = filled(state.range(0));
  std::vector<PreparedQuery> rules;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    const std::string text = "used_bytes{instance=\"host-" + std::to_string(i) + ".example.org:9100\"} > 90";
    rules.emplace_back(*Expression::parse(text));
  }
  for (auto _ : state) {
    for (PreparedQuery& rule : rules) benchmark::DoNotOptimize(rule.evaluate(fixture->store(), time_at_ms(300'000)));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(rules_over_their_own_series)->Arg(10'000)->Unit(benchmark::kMillisecond);

// An hour of 1 000 series, a sample each second: noise, and a counter.
const Fixture& hour() {
  static const auto fixture = [] {
    auto made = std::make_unique<Fixture>();
    std::vector<Point> points(3601);
    for (std::int64_t series = 0; series < 1000; ++series) {
      const Labels labels{{"instance", "host-" + std::to_string(series) + ".example.org:9100"}, {"job", "node"}};
      for (std::int64_t second = 0; second <= 3600; ++second) {
        const std::int64_t noise = (second * 7919 + series * 104'729) % 1009;
        points[static_cast<std::size_t>(second)] = {time_at_ms(second * 1000), static_cast<double>(noise) / 10};
      }
      made->add("x", labels, points);
      double total = 0;
      for (Point& point : points) point.value = total += point.value;
      made->add("x_total", labels, points);
    }
    return made;
  }();
  return *fixture;
}

// Of the process: "VmRSS:" or, since it was reset, the greatest, "VmHWM:".
std::size_t memory_bytes(std::string_view which) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != which) continue;
    std::size_t kilobytes = 0;
    status >> kilobytes;
    return kilobytes << 10U;
  }
  return 0;
}
void reset_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

// As many steps over the hour as the argument says. `peak_MiB` is what the queries needed beside the samples.
void query_range(benchmark::State& state, std::string_view text) {
  const auto expression = *Expression::parse(text);
  const auto step = std::chrono::milliseconds(3'600'000 / state.range(0));
  Options options;
  options.limits.max_samples = 50'000'000;
  const Fixture& fixture = hour();
  malloc_trim(0);
  const std::size_t before = memory_bytes("VmRSS:");
  reset_peak();
  std::size_t points = 0;
  for (auto _ : state) {
    const auto matrix = evaluate_range(expression, fixture.store(), {time_at_ms(0), time_at_ms(3'600'000), step}, options);
    if (!matrix) state.SkipWithError(matrix.error().text().c_str());
    points = 0;
    for (const Series& series : *matrix) points += series.points.size();
  }
  state.counters["points"] = static_cast<double>(points);
  state.counters["peak_MiB"] = static_cast<double>((memory_bytes("VmHWM:") - before) >> 20U);
}

void range_selector(benchmark::State& state) { query_range(state, "x"); }
void range_sum(benchmark::State& state) { query_range(state, "sum(x)"); }
void range_sum_of_rates(benchmark::State& state) { query_range(state, "sum(rate(x_total[1m]))"); }
void range_rates(benchmark::State& state) { query_range(state, "rate(x_total[1m])"); }
void range_quantiles(benchmark::State& state) { query_range(state, "quantile_over_time(0.9, x[1m])"); }
void range_ratio(benchmark::State& state) { query_range(state, "x / on(instance) x"); }
void range_subquery(benchmark::State& state) { query_range(state, "max_over_time(sum(rate(x_total[1m]))[5m:10s])"); }
BENCHMARK(range_sum)->Arg(360)->Arg(3600)->Unit(benchmark::kMillisecond);
BENCHMARK(range_sum_of_rates)->Arg(360)->Arg(3600)->Unit(benchmark::kMillisecond);
BENCHMARK(range_subquery)->Arg(360)->Arg(3600)->Unit(benchmark::kMillisecond);
BENCHMARK(range_selector)->Arg(360)->Arg(3600)->Unit(benchmark::kMillisecond);
BENCHMARK(range_rates)->Arg(360)->Arg(3600)->Unit(benchmark::kMillisecond);
BENCHMARK(range_quantiles)->Arg(360)->Arg(3600)->Unit(benchmark::kMillisecond);
BENCHMARK(range_ratio)->Arg(360)->Arg(3600)->Unit(benchmark::kMillisecond);

void parse(benchmark::State& state) {
  constexpr std::string_view text =
      "100 - avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\",job=~\"node|host\"}[5m])) * 100 > 90";
  for (auto _ : state) benchmark::DoNotOptimize(Expression::parse(text));
}
BENCHMARK(parse);

}  // namespace
}  // namespace sidewatch::promql
