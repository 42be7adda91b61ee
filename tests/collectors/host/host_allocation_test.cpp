// A steady state allocates nothing, over files of a case and over the files of this machine.
#include <gtest/gtest.h>

#include "host_under_test.h"
#include "tests/support/counted_allocations.h"

namespace sidewatch {
namespace {

constexpr int kPasses = 40;  // devices are looked for anew in the meantime

std::size_t allocations_of_steady_passes(const HostConfig& config, HostSystem system,
                                         const std::vector<PartKind>& parts = all_parts()) {
  Catalog catalog({}, {});
  HostCollector collector(catalog, config, parts, system);
  Batch batch;
  const auto pass = [&] {
    batch.clear();
    EXPECT_TRUE(collector.collect(batch, time_at_ms(1000)));
  };
  pass();
  pass();
  const std::size_t before = allocations_so_far();
  for (int i = 0; i < kPasses; ++i) pass();
  EXPECT_GT(batch.size(), 50u);
  return allocations_so_far() - before;
}

TEST(HostAllocation, CountsAllocations) {
  const std::size_t before = allocations_so_far();
  const auto text = std::make_unique<std::string>(100, 'x');
  EXPECT_EQ(allocations_so_far() - before, 2u) << *text;
}

TEST(HostAllocation, ASteadyStateOfACaseAllocatesNothing) {
  EXPECT_EQ(allocations_of_steady_passes(config_for(host_cases() / "linux-6.1"), fixed_system()), 0u);
}

TEST(HostAllocation, ASteadyStateOfMountedFilesystemsThatAreAskedAllocatesNothing) {
  std::vector<PartKind> parts = all_parts();
  std::erase_if(parts, [](const PartKind& kind) { return kind.name != "btrfs" && kind.name != "cpu"; });
  EXPECT_EQ(allocations_of_steady_passes(config_for(host_cases() / "btrfs"), fixed_system(), parts), 0u);
}

TEST(HostAllocation, ASteadyStateOfHardwareAllocatesNothing) {
  EXPECT_EQ(allocations_of_steady_passes(config_for(host_cases() / "server-hardware"), fixed_system(), hardware_parts()), 0u);
}

TEST(HostAllocation, ASteadyStateOfThisMachineAllocatesNothing) {
  // Interfaces and mounts may come and go on the machine that runs this; several tries find a steady moment.
  std::size_t least = 1;
  for (int i = 0; i < 5 && least > 0; ++i) {
    least = std::min(least, allocations_of_steady_passes(HostConfig(), HostSystem::real()));
  }
  EXPECT_EQ(least, 0u);
}

}  // namespace
}  // namespace sidewatch
