// The query API without its sockets: an hour of a thousand series asked for as a dashboard does, and the parts of that.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/api/query.h"
#include "agent/api/series.h"
#include "agent/api/values.h"
#include "agent/http/router.h"
#include "metrics/store.h"

namespace sidewatch {
namespace {

constexpr int series_count = 1000;
constexpr int samples = 720;  // an hour at 5 s
constexpr Duration interval{5'000};
const Time first = time_at_ms(1'700'000'000'000);
const Time last = first + (samples - 1) * interval;

class EndClock final : public Clock {
 public:
  Time now() const override { return last; }
  Duration wall_step() const override { return Duration(0); }
};

struct World {
  World() {
    Batch batch;
    std::vector<SeriesHandle> handles;
    const Metric metric{"requests_total", MetricType::counter, "", "Requests."};
    for (int i = 0; i < series_count; ++i) {
      handles.push_back(catalog.series(metric, {{"path", "/api/v1/" + std::to_string(i)}}));
    }
    const SourceId source = store.add_source("bench");
    for (int i = 0; i < samples; ++i) {
      batch.clear();
      for (std::size_t s = 0; s < handles.size(); ++s) batch.add(handles[s], i * 3.25 + static_cast<double>(s));
      store.append(source, first + i * interval, batch);
    }
    held = std::move(handles);
    std::vector<HttpRoute> routes;
    QueryContext context{store, clock, {}};
    context.limits.max_response_bytes = std::size_t{64} << 20;
    add_query_routes(routes, context);
    add_series_routes(routes, context);
    router = std::make_unique<HttpRouter>(std::move(routes));
  }

  std::size_t ask(const std::string& target) {
    HttpRequest request;
    request.method = "GET";
    request.target = target;
    request.received = last;
    request.peer.is_loopback = true;
    const auto answer = router->answer(request);
    const auto response = answer.route->handler(request);
    return response.status == 200 ? response.body->size() : 0;
  }

  EndClock clock;
  Catalog catalog{Catalog::Limits{}, Labels{}};
  Store store{catalog, Store::Limits{std::chrono::hours(2), std::size_t{64} << 20}};
  std::vector<SeriesHandle> held;
  std::unique_ptr<HttpRouter> router;
};

World& world() {
  static World world;
  return world;
}

void answer(benchmark::State& state, const std::string& target) {
  std::size_t bytes = 0;
  for (auto _ : state) bytes = world().ask(target);
  if (bytes == 0) state.SkipWithError("no answer");
  state.counters["bytes"] = static_cast<double>(bytes);
}

std::string range(const std::string& query) {
  return "/api/v1/query_range?query=" + query + "&step=10&start=" + std::to_string(to_ms(first) / 1000) +
         "&end=" + std::to_string(to_ms(last) / 1000);
}

void write_matrix(benchmark::State& state) {
  promql::Matrix matrix;
  for (int s = 0; s < series_count; ++s) {
    promql::Series series{{{"__name__", "requests_total"}, {"path", std::to_string(s)}}, {}};
    for (int i = 0; i < 360; ++i) series.points.push_back({first + i * interval, s + i * 3.25});
    matrix.push_back(std::move(series));
  }
  const promql::Value value = std::move(matrix);
  std::size_t bytes = 0;
  for (auto _ : state) {
    std::string out;
    append_json_result(out, value, {WallTime{}, Duration(0), std::size_t{64} << 20});
    bytes = out.size();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes));
}

BENCHMARK_CAPTURE(answer, instant_of_one, "/api/v1/query?query=requests_total{path=%22/api/v1/7%22}")
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(answer, instant_of_1000, "/api/v1/query?query=requests_total")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(answer, range_of_1000_by_360, range("requests_total"))->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(answer, range_of_rates, range("rate(requests_total[1m])"))->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(answer, range_of_their_sum, range("sum(rate(requests_total[1m]))"))->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(answer, series_of_1000, "/api/v1/series?match[]=requests_total")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(answer, label_values, "/api/v1/label/path/values")->Unit(benchmark::kMicrosecond);
BENCHMARK(write_matrix)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sidewatch
