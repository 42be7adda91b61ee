// What it costs to find series among many, and what an index of them takes.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <memory>
#include <string>
#include <vector>

#include "metrics/catalog.h"

namespace sidewatch {
namespace {

constexpr Metric used{"used_bytes", MetricType::gauge, "bytes", "Bytes in use."};
constexpr std::int64_t series_count = 10'000;

struct Filled {
  Filled() {
    for (std::int64_t i = 0; i < series_count; ++i) handles.push_back(catalog.series(used, labels_of(i)));
  }
  static Labels labels_of(std::int64_t i) {
    return Labels{{"instance", "host-" + std::to_string(i) + ".example.org:9100"},
                  {"job", i % 2 ? "node" : "database"},
                  {"zone", "zone-" + std::to_string(i % 100)}};
  }
  Catalog catalog{{.max_series = 100'000, .max_series_per_metric = 100'000}, Labels{{"service", "checkout"}}};
  std::vector<SeriesHandle> handles;
};

const Filled& filled() {
  static const Filled instance;
  return instance;
}

Matcher matcher(const char* name, Matcher::Op op, const char* value) { return *Matcher::make(name, op, value); }

void select(benchmark::State& state, std::vector<Matcher> matchers) {
  const Filled& series = filled();
  std::size_t found = 0;
  for (auto _ : state) {
    const auto selected = series.catalog.select(matchers);
    found = selected.size();
    benchmark::DoNotOptimize(selected.data());
  }
  state.counters["found"] = static_cast<double>(found);
}

using Op = Matcher::Op;
const Matcher name = matcher("__name__", Op::equal, "used_bytes");
const Matcher one_host = matcher("instance", Op::equal, "host-77.example.org:9100");

BENCHMARK_CAPTURE(select, one_by_name_and_label, {name, one_host});
BENCHMARK_CAPTURE(select, one_by_label, {one_host});
BENCHMARK_CAPTURE(select, one_by_two_labels, {name, matcher("job", Op::equal, "node"), one_host});
BENCHMARK_CAPTURE(select, fifty_by_two_labels, {name, matcher("job", Op::equal, "node"), matcher("zone", Op::equal, "zone-7")});
BENCHMARK_CAPTURE(select, two_by_alternatives,
                  {name, matcher("instance", Op::regex, "host-77\\.example\\.org:9100|host-78\\.example\\.org:9100")});
BENCHMARK_CAPTURE(select, many_by_alternatives, {name, matcher("zone", Op::regex, "zone-7|zone-8")});
BENCHMARK_CAPTURE(select, many_by_regex, {name, matcher("zone", Op::regex, "zone-1.*")});
BENCHMARK_CAPTURE(select, some_by_regex_of_many_values, {name, matcher("instance", Op::regex, "host-77.*")});
BENCHMARK_CAPTURE(select, all, {name});

// A process comes, another goes, and a rule looks for its series again: each time the catalog has changed.
void select_after_churn(benchmark::State& state) {
  Filled series;
  const std::vector<Matcher> matchers{name, one_host};
  std::int64_t next = series_count;
  for (auto _ : state) {
    series.handles.push_back(series.catalog.series(used, Filled::labels_of(next++)));
    benchmark::DoNotOptimize(series.catalog.select(matchers).size());
  }
}
BENCHMARK(select_after_churn)->Iterations(2000);

void create(benchmark::State& state) {
  const std::size_t before = mallinfo2().uordblks;
  for (auto _ : state) {
    const auto series = std::make_unique<Filled>();
    benchmark::DoNotOptimize(series->catalog.select(std::vector<Matcher>{name, one_host}).size());
    state.counters["bytes_per_series"] = static_cast<double>(mallinfo2().uordblks - before) / series_count;
  }
  state.SetItemsProcessed(state.iterations() * series_count);
}
BENCHMARK(create)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sidewatch
