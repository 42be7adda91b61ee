// What holds a target: its limits and those above it, how much of them is used, and when memory will reach its own.
#include "collectors/container/container.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/collectors/container/container_under_test.h"

namespace sidewatch::container {
namespace {

using namespace std::chrono_literals;

TEST(ContainerLimits, ComparesMemoryWithTheLimitOfACgroupAbove) {
  Changing host("v2-service-of-the-host");
  host.tree.write("cgroup/shop.slice/memory.max", "524288000\n");
  host.tree.write("cgroup/shop.slice/memory.current", "300000000\n");
  host.tree.write("cgroup/shop.slice/memory.stat", "inactive_file 37856000\n");
  host.container.pass();
  const auto ratio = host.container.value("container_memory_limit_used_ratio{container=\"checkout\","
                                          "image=\"checkout:1.2\",name=\"checkout\"}");
  EXPECT_EQ(ratio, 0.5) << "the other services of the slice fill it too";
}

TEST(ContainerLimits, ComparesUsageWithTheLimitsOfACgroupAboveOnV1) {
  Changing docker("v1-docker");
  const auto limited_above = [&](const std::string& file, const std::string& text) {
    docker.tree.write("cgroup/" + file, text + "\n");
  };
  limited_above("memory/docker/memory.limit_in_bytes", "104857600");
  limited_above("memory/docker/memory.usage_in_bytes", "60000000");
  limited_above("memory/docker/memory.stat", "inactive_file 5\ntotal_inactive_file 7571200");
  limited_above("cpu,cpuacct/docker/cpu.cfs_quota_us", "10000");
  limited_above("cpu,cpuacct/docker/cpu.cfs_period_us", "100000");
  limited_above("cpu,cpuacct/docker/cpu.stat", "nr_periods 0\nnr_throttled 0");
  limited_above("cpu,cpuacct/docker/cpuacct.usage", "5000000000");
  docker.container.pass();
  EXPECT_EQ(docker.of("container_memory_limit_used_ratio"), 0.5);
  limited_above("cpu,cpuacct/docker/cpuacct.usage", "5800000000");
  docker.container.pass(10s);
  EXPECT_DOUBLE_EQ(docker.of("container_cpu_quota_used_ratio").value(), 0.8);
}

TEST(ContainerLimits, TellsHowMuchOfTheCpuQuotaIsUsedSinceTheLastPass) {
  Path path;
  path.write("cpu.stat", "usage_usec 1000000\nnr_periods 100\nnr_throttled 10\nthrottled_usec 5\n");
  path.container.pass();
  EXPECT_EQ(path.of("container_cpu_limit_cores"), 0.5);
  EXPECT_EQ(path.of("container_cpu_quota_used_ratio"), std::nullopt) << "one pass has nothing before it";
  path.write("cpu.stat", "usage_usec 3000000\nnr_periods 200\nnr_throttled 60\nthrottled_usec 9\n");
  path.container.pass(10s);
  EXPECT_DOUBLE_EQ(path.of("container_cpu_quota_used_ratio").value(), 0.4);  // 2 of 5 seconds
  EXPECT_DOUBLE_EQ(path.of("container_cpu_throttled_ratio").value(), 0.5);
  path.container.pass(10s);
  EXPECT_EQ(path.of("container_cpu_quota_used_ratio"), 0);
  EXPECT_EQ(path.of("container_cpu_throttled_ratio"), 0) << "an idle container is not throttled";
  path.write("cpu.stat", "usage_usec 1\nnr_periods 1\nnr_throttled 0\n");
  path.container.pass(10s);
  EXPECT_EQ(path.of("container_cpu_quota_used_ratio"), std::nullopt) << "the counters began anew";
  path.write("cpu.max", "max 100000\n");
  path.container.pass(10s);
  EXPECT_EQ(path.of("container_cpu_limit_cores"), std::nullopt);
}

// The quota of a slice, in which others use more than the service does.
struct Slice : Changing {
  Slice() : Changing("half-vanished") {
    cgroup = "cgroup/system.slice/checkout.service";
    write("cpu.max", "max 100000\n");
    quota(50'000);
    use(0);
  }
  void quota(int microseconds) const {
    tree.write("cgroup/system.slice/cpu.max", std::to_string(microseconds) + " 100000\n");
  }
  void use(int seconds) const {
    write("cpu.stat", "usage_usec " + std::to_string(10'000'000 + seconds * 100'000) + "\n");
    tree.write("cgroup/system.slice/cpu.stat", "usage_usec " + std::to_string(90'000'000 + seconds * 400'000) + "\n");
  }
};

TEST(ContainerLimits, ComparesTheCpuTimeWithTheQuotaOfACgroupAbove) {
  Slice slice;
  slice.container.pass();
  slice.use(10);
  slice.container.pass(10s);
  EXPECT_DOUBLE_EQ(slice.of("container_cpu_quota_used_ratio").value(), 0.8);  // 4 of 5 seconds
}

TEST(ContainerLimits, ComparesItsOwnCpuTimeWithAConfiguredQuota) {
  Slice slice;
  ContainerConfig config = config_of(slice.tree.path());
  for (auto& target : config.targets) target.limits.cpu = limited_to(0.2);
  ContainerUnderTest container(config);
  container.pass();
  slice.use(10);
  container.pass(10s);
  const auto ratio = container.value("container_cpu_quota_used_ratio{container=\"checkout\",name=\"checkout\"}");
  EXPECT_DOUBLE_EQ(ratio.value(), 0.5);  // 1 of 2 seconds
}

TEST(ContainerLimits, DoesNotMixTheCpuTimeOfTwoCgroupsWhenTheQuotaMoves) {
  Slice slice;
  slice.container.pass();
  slice.write("cpu.max", "20000 100000\n");  // smaller than the slice's
  slice.use(10);
  slice.container.pass(10s);
  EXPECT_EQ(slice.of("container_cpu_quota_used_ratio"), std::nullopt);
  slice.write("cpu.max", "max 100000\n");
  slice.use(20);
  slice.container.pass(10s);
  EXPECT_EQ(slice.of("container_cpu_quota_used_ratio"), std::nullopt);
  slice.use(30);
  slice.container.pass(10s);
  EXPECT_DOUBLE_EQ(slice.of("container_cpu_quota_used_ratio").value(), 0.8);
}

TEST(ContainerLimits, BeginsTheTrendOfMemoryAnewWhenTheLimitMoves) {
  Path path;
  const auto passes = [&](int count) {
    for (int i = 0; i < count; ++i) path.container.pass(15s);
  };
  path.tree.write("cgroup/system.slice/memory.current", "300000000\n");
  path.tree.write("cgroup/system.slice/memory.stat", "inactive_file 0\n");
  passes(20);
  EXPECT_EQ(path.of("container_memory_time_to_oom_seconds"), std::numeric_limits<double>::infinity());
  path.tree.write("cgroup/system.slice/memory.max", "400000000\n");
  passes(1);
  EXPECT_EQ(path.of("container_memory_limit_used_ratio"), 0.75);
  EXPECT_EQ(path.of("container_memory_time_to_oom_seconds"), std::nullopt) << "it is now of the slice";
  passes(20);
  EXPECT_EQ(path.of("container_memory_time_to_oom_seconds"), std::numeric_limits<double>::infinity());
}

TEST(ContainerLimits, TellsWhenMemoryWillReachItsLimit) {
  Path path;
  std::uint64_t bytes = 100'000'000;
  const auto grow = [&](std::uint64_t by, int passes) {
    for (int i = 0; i < passes; ++i) {
      bytes += by;
      path.write("memory.current", std::to_string(bytes) + "\n");
      path.container.pass(15s);
    }
  };
  grow(1'500'000, 8);
  EXPECT_EQ(path.of("container_memory_time_to_oom_seconds"), std::nullopt) << "too early to say";
  grow(1'500'000, 40);
  const double left = static_cast<double>(536'870'912 - bytes) / 100'000;  // 100 000 bytes per second
  EXPECT_NEAR(path.of("container_memory_time_to_oom_seconds").value(), left, 1);
  grow(0, 45);
  EXPECT_EQ(path.of("container_memory_time_to_oom_seconds"), std::numeric_limits<double>::infinity());
  path.write("memory.max", "max\n");
  path.container.pass(15s);
  EXPECT_EQ(path.of("container_memory_time_to_oom_seconds"), std::nullopt);
}

TEST(ContainerLimits, ReadsALimitThatIsChangedWhileItRuns) {
  Path path;
  path.container.pass();
  EXPECT_EQ(path.of("container_memory_limit_used_ratio"), 104857600.0 / 536870912);
  path.write("memory.max", "209715200\n");
  path.container.pass();
  EXPECT_EQ(path.of("container_memory_limit_used_ratio"), 0.5);
  EXPECT_TRUE(path.says("sidewatch_target_limit_state{name=\"checkout\",resource=\"memory\",state=\"limited\"}"));
  path.write("memory.max", "max\n");
  path.container.pass();
  EXPECT_EQ(path.of("container_memory_limit_used_ratio"), std::nullopt);
  EXPECT_TRUE(path.says("sidewatch_target_limit_state{name=\"checkout\",resource=\"memory\",state=\"unlimited\"}"));
  EXPECT_FALSE(path.says("sidewatch_target_limit_state{name=\"checkout\",resource=\"memory\",state=\"limited\"}"));
}

// cAdvisor's number is 0 for both.
TEST(ContainerLimits, TellsNoSwapAtAllFromSwapWithoutALimit) {
  Path path;
  const auto is = [&](const std::string& state) {
    return path.says("sidewatch_target_limit_state{name=\"checkout\",resource=\"swap\",state=\"" + state + "\"}");
  };
  const auto bytes = [&] {
    return path.container.value("container_spec_memory_swap_limit_bytes{container=\"checkout\","
                                "id=\"/system.slice/checkout.service\",name=\"checkout\"}");
  };
  path.write("memory.swap.max", "0\n");
  path.container.pass();
  EXPECT_EQ(bytes(), 0);
  EXPECT_TRUE(is("limited")) << "it may not swap";
  path.write("memory.swap.max", "max\n");
  path.container.pass();
  EXPECT_EQ(bytes(), 0);
  EXPECT_TRUE(is("unlimited"));
  EXPECT_FALSE(is("limited"));
}

TEST(ContainerLimits, KnowsNothingOfSwapWhereTheKernelDoesNotCountIt) {
  Path path;
  path.tree.remove(path.cgroup + "/memory.swap.max");
  path.container.pass();
  EXPECT_TRUE(path.says("sidewatch_target_limit_state{name=\"checkout\",resource=\"swap\",state=\"unknown\"}"));
  EXPECT_THAT(path.container.page(), testing::Not(testing::HasSubstr("container_spec_memory_swap_limit_bytes{")));
}

TEST(ContainerLimits, TakesAReservationOfAllMemoryForNoError) {
  Path path;
  const auto reservation = [&] {
    return path.container.value("container_spec_memory_reservation_limit_bytes{container=\"checkout\","
                                "id=\"/system.slice/checkout.service\",name=\"checkout\"}");
  };
  path.write("memory.low", "4096\n");
  const auto errors = path.container.pass().partial_errors;
  EXPECT_EQ(reservation(), 4096);
  path.write("memory.low", "max\n");
  EXPECT_EQ(path.container.pass().partial_errors, errors);
  EXPECT_EQ(reservation(), std::nullopt) << "it is not 0, which would be none";
}

TEST(ContainerLimits, NeverTakesALimitForNoneWhileItsCgroupIsBeingRemoved) {
  Path path;
  path.container.pass();
  path.tree.remove(path.cgroup);
  path.container.pass();
  EXPECT_TRUE(path.says("sidewatch_target_limit_state{name=\"checkout\",resource=\"memory\",state=\"unknown\"}"));
}

}  // namespace
}  // namespace sidewatch::container
