// What taking a scraped page in costs per sample: when its series are known, as nearly always, and when all are new.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "collectors/scrape/page_intake.h"

namespace sidewatch::scrape {
namespace {

// Like the page of an HTTP service: histograms by route, a few counters, and their headings.
std::string page_of(std::int64_t series, int round) {
  std::string page;
  for (std::int64_t i = 0; i < series; ++i) {
    const std::string family = "http_request_" + std::to_string(i / 100) + "_duration_seconds";
    if (i % 100 == 0) page += "# HELP " + family + " How long requests took.\n# TYPE " + family + " histogram\n";
    page += family + "_bucket{method=\"GET\",route=\"/cart/items/" + std::to_string(i % 100 / 10) + "\",le=\"" +
            std::to_string(i % 10) + ".5\"} " + std::to_string(i * 37 + round * 11) + "\n";
  }
  return page;
}

struct Target {
  Catalog catalog{{.max_series = 50'000, .max_series_per_metric = 50'000}, Labels{}};
  PageIntake intake{catalog, {Labels{{"job", "shop"}, {"instance", "127.0.0.1:8080"}}, false, {}, {}, 50'000}, nullptr};
  Batch batch;

  void scrape(const std::string& page) {
    batch.clear();
    PageCounts counts;
    if (!intake.take({page, ExpositionFormat::prometheus_text, time_at_ms(1000)}, batch, counts)) std::abort();
  }
};

void count(benchmark::State& state, std::size_t bytes) {
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

void known_series(benchmark::State& state) {
  const std::vector<std::string> pages = {page_of(state.range(0), 1), page_of(state.range(0), 2)};
  Target target;
  target.scrape(pages[0]);
  std::size_t round = 0;
  for (auto _ : state) target.scrape(pages[++round % 2]);
  count(state, pages[0].size());
}
BENCHMARK(known_series)->Arg(1'000)->Arg(10'000);

void new_series(benchmark::State& state) {
  const std::string page = page_of(state.range(0), 1);
  for (auto _ : state) {
    Target target;
    target.scrape(page);
  }
  count(state, page.size());
}
BENCHMARK(new_series)->Arg(1'000)->Arg(10'000);

}  // namespace
}  // namespace sidewatch::scrape
