// That a page which stays as it is, but for its numbers, costs no memory from scrape to scrape.
#include <gtest/gtest.h>

#include <string>

#include "collectors/scrape/page_intake.h"
#include "tests/support/counted_allocations.h"

namespace sidewatch::scrape {
namespace {

std::string page_of(int series, int value) {
  std::string page;
  for (int i = 0; i < series; ++i) {
    if (i % 50 == 0) {
      const std::string family = "requests_" + std::to_string(i / 50) + "_total";
      page += "# HELP " + family + " How many there were.\n# TYPE " + family + " counter\n";
    }
    page += "requests_" + std::to_string(i / 50) + "_total{route=\"/cart/" + std::to_string(i) +
            "\",method=\"get\",code=\"200\"} " + std::to_string(value + i) + ".5\n";
  }
  return page;
}

TEST(ScrapeAllocation, IsNoneForAPageWhoseSeriesAreKnown) {
  Catalog catalog{Catalog::Limits{}, Labels{}};
  IntakeOptions options;
  options.target_labels = Labels{{"job", "shop"}, {"instance", "127.0.0.1:80"}};
  PageIntake intake(catalog, options, nullptr);
  Batch batch;
  const auto scrape = [&](const std::string& page) {
    batch.clear();
    PageCounts counts;
    const auto taken = intake.take({page, ExpositionFormat::prometheus_text, time_at_ms(1000)}, batch, counts);
    EXPECT_TRUE(taken) << taken.error().what;
    return counts;
  };
  const std::string first = page_of(2000, 1);
  const std::string second = page_of(2000, 7);
  EXPECT_EQ(scrape(first).added, 2000u);
  scrape(second);
  const auto before = allocations_so_far();
  const auto counts = scrape(first);
  EXPECT_EQ(allocations_so_far() - before, 0u);
  EXPECT_EQ(counts.kept, 2000u);
  EXPECT_EQ(counts.added, 0u);
  EXPECT_EQ(batch.size(), 2000u);
}

}  // namespace
}  // namespace sidewatch::scrape
