// Counts every allocation of this program: that is why it is a program of its own.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "metrics/exposition.h"
#include "metrics/history_log.h"
#include "metrics/store.h"
#include "tests/support/counted_allocations.h"

namespace sidewatch {
namespace {

constexpr Metric load{"node_load1", MetricType::gauge, "", "1m load average."};

TEST(Allocation, ASteadyPassAllocatesNothing) {
  Catalog catalog({}, {});
  Store store(catalog, {std::chrono::minutes(5), std::size_t{8} << 20});
  const SourceId source = store.add_source("host");
  std::vector<SeriesHandle> series;
  for (int i = 0; i < 200; ++i) series.push_back(catalog.series(load, {{"i", std::to_string(i)}}));
  Batch batch;
  double value = 0;
  const auto pass = [&](int second) {
    batch.clear();
    for (const auto& one : series) batch.add(one, value += 0.37);
    store.append(source, time_at_ms(second * 1000), batch);
    store.expire(time_at_ms(second * 1000));
  };
  for (int second = 0; second < 3'000; ++second) pass(second);
  const std::size_t before = allocations_so_far();
  for (int second = 3'000; second < 4'000; ++second) pass(second);
  EXPECT_EQ(allocations_so_far() - before, 0u);
}

TEST(Allocation, APassThatLosesAndRegainsASeriesAllocatesNothing) {
  Catalog catalog({}, {});
  Store store(catalog, {});
  const SourceId source = store.add_source("host");
  const auto a = catalog.series(load, {{"i", "a"}});
  const auto b = catalog.series(load, {{"i", "b"}});
  Batch batch;
  const auto pass = [&](int second) {
    batch.clear();
    batch.add(a, second);
    if (second % 2) batch.add(b, second);
    store.append(source, time_at_ms(second * 1000), batch);
  };
  for (int second = 0; second < 10; ++second) pass(second);
  const std::size_t before = allocations_so_far();
  for (int second = 10; second < 20; ++second) pass(second);
  EXPECT_EQ(allocations_so_far() - before, 0u);
}

TEST(Allocation, APassThatIsWrittenDownAllocatesNothing) {
  Catalog catalog({}, {});
  Store store(catalog, {std::chrono::minutes(5), std::size_t{8} << 20});
  struct Writer : Journal {
    explicit Writer(const Catalog& its_catalog) : log(its_catalog) {}
    void took_in(Time time, const std::vector<Sample>& samples) override {
      log.bytes().clear();
      log.pass(time, samples.data(), samples.size());
    }
    HistoryLog log;
  } writer(catalog);
  store.set_journal(&writer);
  const SourceId source = store.add_source("host");
  std::vector<SeriesHandle> series;
  for (int i = 0; i < 200; ++i) series.push_back(catalog.series(load, {{"i", std::to_string(i)}}));
  Batch batch;
  const auto pass = [&](int second) {
    batch.clear();
    for (std::size_t i = 0; i < series.size(); ++i) batch.add(series[i], static_cast<double>(i) * 0.37 * second);
    store.append(source, time_at_ms(second * 1000), batch);
    store.expire(time_at_ms(second * 1000));
  };
  for (int second = 0; second < 2'000; ++second) pass(second);
  const std::size_t before = allocations_so_far();
  for (int second = 2'000; second < 3'000; ++second) pass(second);
  EXPECT_EQ(allocations_so_far() - before, 0u);
}

TEST(Allocation, APageIsRenderedIntoTheBufferThatIsThere) {
  Catalog catalog({}, {});
  Store store(catalog, {});
  const SourceId source = store.add_source("host");
  Batch batch;
  std::vector<SeriesHandle> series;
  for (int i = 0; i < 100; ++i) {
    series.push_back(catalog.series(load, {{"i", std::to_string(i)}}));
    batch.add(series.back(), i * 0.5);
  }
  store.append(source, time_at_ms(0), batch);
  const auto snapshot = store.snapshot();
  std::string page;
  render_exposition(snapshot, ExpositionFormat::prometheus_text, page);
  const std::size_t before = allocations_so_far();
  render_exposition(snapshot, ExpositionFormat::prometheus_text, page);
  EXPECT_EQ(allocations_so_far() - before, 0u);
}

}  // namespace
}  // namespace sidewatch
