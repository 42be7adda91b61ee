// Counts every allocation of this program: that is why it is a program of its own.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "metrics/exposition.h"
#include "metrics/store.h"

namespace {

std::atomic<long> allocations{0};

void* counted(std::size_t bytes) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(bytes ? bytes : 1);
}

void* counted_or_throw(std::size_t bytes) {
  if (void* memory = counted(bytes)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t bytes) { return counted_or_throw(bytes); }
void* operator new[](std::size_t bytes) { return counted_or_throw(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return counted(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return counted(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

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
  const long before = allocations;
  for (int second = 3'000; second < 4'000; ++second) pass(second);
  EXPECT_EQ(allocations - before, 0);
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
  const long before = allocations;
  for (int second = 10; second < 20; ++second) pass(second);
  EXPECT_EQ(allocations - before, 0);
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
  const long before = allocations;
  render_exposition(snapshot, ExpositionFormat::prometheus_text, page);
  EXPECT_EQ(allocations - before, 0);
}

}  // namespace
}  // namespace sidewatch
