// What an evaluation costs: the shapes that rules have, prepared once and evaluated again and again.
#include <benchmark/benchmark.h>

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

void parse(benchmark::State& state) {
  constexpr std::string_view text =
      "100 - avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\",job=~\"node|host\"}[5m])) * 100 > 90";
  for (auto _ : state) benchmark::DoNotOptimize(Expression::parse(text));
}
BENCHMARK(parse);

}  // namespace
}  // namespace sidewatch::promql
