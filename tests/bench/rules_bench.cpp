// What a tick of the alerting engine costs: the budget is 10 000 threshold rules over 10 000 series in 10 ms.

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "alerting/engine.h"
#include "metrics/store.h"

namespace sidewatch {
namespace {

constexpr Metric metric{"bench_value", MetricType::gauge, "", "A value."};
const std::vector<std::string> receivers = {"oncall"};

Rule rule_over(const std::string& name, const std::string& expression) {
  Rule rule;
  rule.name = name;
  rule.expr = promql::Expression::parse(expression).value();
  rule.policy.warning = LevelPolicy{{Comparison::greater, 80, 75}, {}};
  rule.policy.critical = LevelPolicy{{Comparison::greater, 95, 90}, {}};
  return rule;
}

// `series` series that all have one value, and a pass of samples for them.
struct Samples {
  explicit Samples(std::int64_t series) : catalog({100'000, 100'000, 32, 256}, {}), store(catalog, {}) {
    for (std::int64_t i = 0; i < series; ++i) {
      handles.push_back(catalog.series(metric, Labels{{"entity", std::to_string(i)}, {"instance", "web-1"}}));
    }
  }

  void deliver(double value) {
    Batch batch;
    for (const auto& handle : handles) batch.add(handle, value);
    store.append(source, now, batch);
  }

  Catalog catalog;
  Store store;
  std::vector<SeriesHandle> handles;
  SourceId source = store.add_source("bench");
  Time now = time_at_ms(1'772'366'400'000);
};

void ManyRulesOfOneSeriesEach(benchmark::State& state) {
  Samples samples(state.range(0));
  std::vector<RuleGroup> groups(1);
  auto& rules = groups.front().rules;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    rules.push_back(rule_over("R" + std::to_string(i), "bench_value{entity=\"" + std::to_string(i) + "\"}"));
  }
  Engine engine(std::move(groups), {});
  samples.deliver(50);
  for (auto _ : state) benchmark::DoNotOptimize(engine.tick(samples.store, samples.now, Duration(0), receivers));
}
BENCHMARK(ManyRulesOfOneSeriesEach)->Arg(50)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMillisecond);

void OneRuleOfManySeries(benchmark::State& state) {
  Samples samples(state.range(0));
  std::vector<RuleGroup> groups(1);
  auto& rules = groups.front().rules;
  rules.push_back(rule_over("R", "bench_value"));
  Engine engine(std::move(groups), {});
  samples.deliver(50);
  for (auto _ : state) benchmark::DoNotOptimize(engine.tick(samples.store, samples.now, Duration(0), receivers));
}
BENCHMARK(OneRuleOfManySeries)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMillisecond);

// Every entity fires and stays so: what a bad day costs per tick.
void OneRuleThatFiresForManySeries(benchmark::State& state) {
  Samples samples(state.range(0));
  std::vector<RuleGroup> groups(1);
  auto& rules = groups.front().rules;
  rules.push_back(rule_over("R", "bench_value"));
  Engine::Limits limits;
  limits.max_alerts_per_rule = 100'000;
  Engine engine(std::move(groups), limits);
  samples.deliver(90);
  benchmark::DoNotOptimize(engine.tick(samples.store, samples.now, Duration(0), receivers));
  for (auto _ : state) benchmark::DoNotOptimize(engine.tick(samples.store, samples.now, Duration(0), receivers));
}
BENCHMARK(OneRuleThatFiresForManySeries)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sidewatch
