// That counting costs a service no memory.
#include <gtest/gtest.h>

#include "collectors/application/sidewatch.hpp"
#include "tests/support/counted_allocations.h"

namespace sidewatch {
namespace {

TEST(ApplicationClientAllocation, IsNoneInAnyCall) {
  Client client("udp://127.0.0.1:9", std::chrono::milliseconds(0));
  const Counter counter(client, "hits", {{"route", "/cart"}});
  const Gauge gauge(client, "depth");
  const Timer timer(client, "took");
  const Histogram histogram(client, "size");
  const auto before = allocations_so_far();
  for (int i = 0; i < 1000; ++i) {
    counter.add(i);
    gauge.set(-i / 8.0);
    gauge.change(1e-9 * i);
    histogram.record(1e12 * i);
    const auto scope = timer.scope();
  }
  client.flush();
  EXPECT_EQ(allocations_so_far() - before, 0u);
  EXPECT_EQ(client.sent() + client.dropped(), 5999u);  // a gauge below zero is two lines
}

}  // namespace
}  // namespace sidewatch
