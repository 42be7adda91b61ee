// A steady state allocates nothing: an agent that runs for months must not wear out its heap.
#include <gtest/gtest.h>

#include "tests/collectors/container/container_under_test.h"
#include "tests/support/counted_allocations.h"

namespace sidewatch::container {
namespace {

std::size_t allocations_of_steady_passes(const ContainerConfig& config, ContainerOptions options) {
  Catalog catalog({}, {});
  const auto collector = make_container_collector(config, options, catalog);
  Batch batch;
  std::int64_t now = 1'000'000;
  const auto pass = [&] {
    batch.clear();
    EXPECT_TRUE(collector->collect(batch, time_at_ms(now += 1000)));
  };
  for (int i = 0; i < 130; ++i) pass();  // until there is a trend, which is one more sample
  const std::size_t before = allocations_so_far();
  for (int i = 0; i < 200; ++i) pass();  // long enough for limits to be looked at again
  EXPECT_GT(batch.size(), 20u);
  return allocations_so_far() - before;
}

class ContainerAllocation : public testing::TestWithParam<const char*> {};

TEST_P(ContainerAllocation, ASteadyStateAllocatesNothing) {
  const auto config = config_of(container_cases() / GetParam());
  EXPECT_EQ(allocations_of_steady_passes(config, {ContainerUnderTest::own_pid}), 0u);
}

INSTANTIATE_TEST_SUITE_P(Cases, ContainerAllocation,
                         testing::Values("v2-service-of-the-host", "v1-docker", "pod-with-shared-processes"),
                         [](const auto& test) { return std::string(test.param).substr(0, 2); });

TEST(ContainerAllocationHere, ASteadyStateOfThisMachineAllocatesNothing) {
  ContainerConfig config;
  TargetConfig own;
  own.name.value = "own";
  own.own = true;
  config.targets.push_back(own);
  // Processes may begin and end in the agent's cgroup meanwhile; several tries find a steady moment.
  std::size_t least = 1;
  for (int i = 0; i < 5 && least > 0; ++i) least = std::min(least, allocations_of_steady_passes(config, {}));
  EXPECT_EQ(least, 0u);
}

}  // namespace
}  // namespace sidewatch::container
