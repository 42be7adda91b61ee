// That a busy application costs no memory from line to line.
#include <gtest/gtest.h>

#include <string>

#include "collectors/statsd/aggregate.h"
#include "tests/support/counted_allocations.h"

namespace sidewatch::statsd {
namespace {

using namespace std::chrono_literals;

TEST(StatsdAllocation, IsNoneForWhatWasSeenBefore) {
  Catalog catalog{Catalog::Limits{}, Labels{}};
  Aggregate aggregate{catalog, AggregateOptions{}};
  Batch batch;
  Time now = time_at_ms(600'000);
  const std::string packet =
      "hits:1|c|#route:/a,method:get\nhits:1|c|#route:/b,method:get\ndepth:5|g\nlatency:12.5|ms|#route:/a,method:get\n"
      "size:100:200|h|@0.5\n";
  const auto round = [&] {
    for (int i = 0; i < 100; ++i) aggregate.take(packet);
    batch.clear();
    aggregate.write(batch, now);
    now += 10s;
  };
  for (int i = 0; i < 10; ++i) round();
  const auto before = allocations_so_far();
  round();
  EXPECT_EQ(allocations_so_far() - before, 0u);
  EXPECT_EQ(batch.size(), 3u + 2 * 8);
}

}  // namespace
}  // namespace sidewatch::statsd
