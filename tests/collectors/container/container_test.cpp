// How targets live: found, lost, found again, and what is said of them over time.
#include "collectors/container/container.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/collectors/container/container_under_test.h"

namespace sidewatch::container {
namespace {

using namespace std::chrono_literals;

// A case whose files a test may change.
class Changing {
 public:
  explicit Changing(const std::string& name) : tree(container_cases() / name), container(config_of(tree.path())) {}

  void write(const std::string& file, const std::string& text) const { tree.write(cgroup + "/" + file, text); }
  std::optional<double> of(const std::string& metric) const {
    return container.value(metric + "{container=\"checkout\",name=\"checkout\"}");
  }
  std::optional<double> up() const { return container.value("sidewatch_target_up{name=\"checkout\"}"); }
  bool says(const std::string& series) const { return container.value(series) == 1; }

  const FileTree tree;
  ContainerUnderTest container;
  std::string cgroup;
};

struct Pod : Changing {
  Pod() : Changing("pod-with-shared-processes") { cgroup = "proc/500/root/sys/fs/cgroup"; }
};
struct Path : Changing {
  Path() : Changing("half-vanished") {
    cgroup = "cgroup/system.slice/checkout.service";
    write("memory.stat", "inactive_file 0\n");
    write("memory.current", "104857600\n");
  }
};

TEST(Container, FindsTheCgroupOfARestartedProcess) {
  Pod pod;
  pod.container.pass();
  EXPECT_EQ(pod.up(), 1);
  pod.tree.remove("proc/500");
  pod.container.pass();
  EXPECT_EQ(pod.up(), 0);
  const auto absent = testing::Not(testing::HasSubstr("container_memory_usage_bytes{container=\"checkout"));
  EXPECT_THAT(pod.container.page(), absent) << "what is not there has no values";

  const FileTree fresh(container_cases() / "pod-with-shared-processes/proc/500");
  fresh.write("stat", "900 (checkout) S 1 900 900 0 -1 4194560 100 0 2 0 150 50 0 0 20 0 4 0 99999 1048576 10 "
                      "18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
  fresh.write("cgroup", "0::/../cri-containerd-7b.scope\n");
  fresh.write("mountinfo", "30 25 0:26 /../cri-containerd-7b.scope /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
  std::filesystem::copy(fresh.path(), pod.tree.path() / "proc/900", std::filesystem::copy_options::recursive);
  pod.tree.write("proc/loadavg", "0.10 0.20 0.30 1/124 901\n");
  pod.container.pass();
  EXPECT_EQ(pod.up(), 1);
  EXPECT_TRUE(pod.container.value("container_memory_usage_bytes{container=\"checkout\",id=\"/cri-containerd-7b.scope\","
                                  "name=\"checkout\"}"));
}

TEST(Container, FollowsAProcessIntoAnotherCgroup) {
  Changing host("v2-service-of-the-host");
  host.container.pass();
  host.tree.write("proc/500/cgroup", "0::/shop.slice\n");
  host.container.pass();
  const auto labels = "{container=\"checkout\",id=\"/shop.slice\",image=\"checkout:1.2\",name=\"checkout\"}";
  EXPECT_EQ(host.container.value(std::string("container_memory_usage_bytes") + labels), 524288000);
}

TEST(Container, FindsACgroupThatWasMadeAnewUnderTheSamePath) {
  Path path;
  path.container.pass();
  EXPECT_EQ(path.up(), 1);
  path.tree.move(path.cgroup, "cgroup/gone");
  path.container.pass();
  EXPECT_EQ(path.up(), 1) << "where nothing is removed, what is open stays readable";
  path.tree.remove("cgroup/gone");
  path.container.pass();
  EXPECT_EQ(path.up(), 0);
  path.write("cgroup.procs", "");
  path.write("cgroup.events", "populated 0\n");
  path.write("memory.current", "4096\n");
  path.container.pass();
  EXPECT_EQ(path.up(), 1);
  EXPECT_EQ(path.container.value("container_memory_usage_bytes{container=\"checkout\",id=\"/system.slice/"
                                 "checkout.service\",name=\"checkout\"}"),
            4096);
}

TEST(Container, TakesTheNewestOfSeveralThatAPatternNames) {
  const FileTree tree(container_cases() / "v2-service-of-the-host");
  const auto make = [&](const std::string& name, int seconds) {
    tree.write("cgroup/docker-" + name + ".scope/cgroup.procs", "");
    tree.write("cgroup/docker-" + name + ".scope/cgroup.events", "populated 1\n");
    tree.write("cgroup/docker-" + name + ".scope/memory.current", std::to_string(seconds) + "\n");
    const auto time = std::filesystem::file_time_type(std::chrono::seconds(seconds));
    std::filesystem::last_write_time(tree.path() / ("cgroup/docker-" + name + ".scope"), time);
  };
  make("old", 1000);
  make("new", 3000);
  make("middle", 2000);
  tree.write("config.yaml", "targets:\n  - {name: checkout, cgroup: '/docker-*.scope'}\n");
  ContainerUnderTest container(config_of(tree.path()));
  container.pass();
  const auto usage = [&](const std::string& name) {
    return container.value("container_memory_usage_bytes{container=\"checkout\",id=\"/docker-" + name +
                           ".scope\",name=\"checkout\"}");
  };
  EXPECT_EQ(usage("new"), 3000);
  tree.remove("cgroup/docker-new.scope");
  container.pass();
  EXPECT_EQ(usage("middle"), 2000);
}

TEST(Container, FindsACgroupOfTheMachineFromWithinANamespaceOfItsOwn) {
  Changing host("v2-service-of-the-host");
  host.tree.write("proc/500/cgroup", "0::/../checkout.service\n");  // counted from /shop.slice/agent.service
  host.container.pass();
  const auto usage = [&] {
    return host.container.value("container_memory_usage_bytes{container=\"checkout\",id=\"/shop.slice/"
                                "checkout.service\",image=\"checkout:1.2\",name=\"checkout\"}");
  };
  EXPECT_EQ(usage(), 167772160);
  host.tree.write("cgroup/other.slice/cgroup.procs", "");
  host.tree.write("cgroup/other.slice/checkout.service/cgroup.procs", "");
  host.tree.write("proc/500/cgroup", "0::/../../checkout.service\n");  // looked for anew
  host.container.pass();
  EXPECT_EQ(usage(), std::nullopt) << "of two that end so, neither is guessed";
}

TEST(Container, NeverTakesTheMachineForTheCgroupThatItsOwnNamespaceBeginsWith) {
  const FileTree tree(container_cases() / "v2-service-of-the-host");
  tree.write("config.yaml", "targets:\n  - {name: agent, self: true}\n"
                            "  - {name: checkout, process: {comm: checkout}}\n");
  tree.write("cgroup/memory.current", "9000000000\n");
  tree.write("cgroup/init.scope/cgroup.procs", "");
  tree.write("cgroup/init.scope/cgroup.events", "populated 1\n");
  tree.write("cgroup/init.scope/memory.current", "8000000000\n");
  tree.write("own/cgroup.procs", "77\n");
  tree.write("own/cgroup.events", "populated 1\n");
  tree.write("own/memory.current", "4096\n");
  tree.write("own/init.scope/cgroup.procs", "500\n");
  tree.write("own/init.scope/cgroup.events", "populated 1\n");
  tree.write("own/init.scope/memory.current", "8192\n");
  tree.write("proc/77/cgroup", "0::/\n");
  tree.write("proc/77/mountinfo", "30 25 0:26 / " + (tree.path() / "own").string() + " ro - cgroup2 cgroup rw\n");
  tree.write("proc/500/cgroup", "0::/init.scope\n");
  std::filesystem::create_directories(tree.path() / "proc/77/ns");
  std::filesystem::create_symlink("cgroup:[4026532555]", tree.path() / "proc/77/ns/cgroup");
  const auto usage = [](const ContainerUnderTest& container, const std::string& name, const std::string& id) {
    return container.value("container_memory_usage_bytes{container=\"" + name + "\",id=\"" + id + "\",name=\"" + name +
                           "\"}");
  };
  ContainerUnderTest inside(config_of(tree.path()));
  inside.pass();
  EXPECT_EQ(usage(inside, "agent", "/agent"), 4096);
  EXPECT_EQ(usage(inside, "checkout", "/init.scope"), 8192);

  tree.remove("proc/77/ns/cgroup");
  std::filesystem::create_symlink("cgroup:[4026531835]", tree.path() / "proc/77/ns/cgroup");
  ContainerUnderTest outside(config_of(tree.path()));
  outside.pass();
  EXPECT_EQ(usage(outside, "checkout", "/init.scope"), 8000000000) << "counted from the machine's root";
}

TEST(Container, SaysOnceWhyATargetCannotBeSeen) {
  ContainerUnderTest container(config_of(container_cases() / "unseen"));
  const auto first = container.pass();
  EXPECT_EQ(first.partial_errors, 1u);
  EXPECT_THAT(first.first_partial_error, testing::HasSubstr("target hidden: the cgroup of process 500 cannot be seen"));
  EXPECT_EQ(container.pass().partial_errors, 0u);
}

TEST(Container, ComparesMemoryWithTheLimitOfACgroupAbove) {
  Changing host("v2-service-of-the-host");
  host.tree.write("cgroup/shop.slice/memory.max", "524288000\n");
  host.tree.write("cgroup/shop.slice/memory.current", "300000000\n");
  host.tree.write("cgroup/shop.slice/memory.stat", "inactive_file 37856000\n");
  host.container.pass();
  const auto ratio = host.container.value("container_memory_limit_used_ratio{container=\"checkout\","
                                          "image=\"checkout:1.2\",name=\"checkout\"}");
  EXPECT_EQ(ratio, 0.5) << "the other services of the slice fill it too";
}

TEST(Container, ComparesUsageWithTheLimitsOfACgroupAboveOnV1) {
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

TEST(Container, TellsHowMuchOfTheCpuQuotaIsUsedSinceTheLastPass) {
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

TEST(Container, KeepsACgroupWhoseProcessesCannotBeListed) {
  Path path;
  path.write("cpu.stat", "usage_usec 1000000\n");
  path.tree.remove(path.cgroup + "/cgroup.procs");
  std::filesystem::create_directory(path.tree.path() / path.cgroup / "cgroup.procs");  // reading it fails
  path.container.pass();
  path.container.pass();
  EXPECT_EQ(path.up(), 1);
  EXPECT_EQ(path.of("container_cpu_quota_used_ratio"), 0) << "it is the same cgroup as in the pass before";
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

TEST(Container, ComparesTheCpuTimeWithTheQuotaOfACgroupAbove) {
  Slice slice;
  slice.container.pass();
  slice.use(10);
  slice.container.pass(10s);
  EXPECT_DOUBLE_EQ(slice.of("container_cpu_quota_used_ratio").value(), 0.8);  // 4 of 5 seconds
}

TEST(Container, ComparesItsOwnCpuTimeWithAConfiguredQuota) {
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

TEST(Container, DoesNotMixTheCpuTimeOfTwoCgroupsWhenTheQuotaMoves) {
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

TEST(Container, BeginsTheTrendOfMemoryAnewWhenTheLimitMoves) {
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

TEST(Container, TellsWhenMemoryWillReachItsLimit) {
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

TEST(Container, ReadsALimitThatIsChangedWhileItRuns) {
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

TEST(Container, TakesAReservationOfAllMemoryForNoError) {
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

TEST(Container, HasRoomForNewDevicesWhenOldOnesAreGone) {
  Path path;
  const auto devices = [&](int first, int count) {
    std::string text;
    for (int i = first; i < first + count; ++i) {
      text += "8:" + std::to_string(i) + " rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n";
    }
    path.write("io.stat", text);
    path.container.pass();
  };
  const auto is_there = [&](int number) {
    return path.container.page().find("device=\"8:" + std::to_string(number) + "\"") != std::string::npos;
  };
  devices(0, 65);
  EXPECT_TRUE(is_there(63));
  EXPECT_FALSE(is_there(64)) << "one more than there is room for";
  devices(100, 0);
  devices(100, 2);
  EXPECT_TRUE(is_there(100));
  EXPECT_TRUE(is_there(101));
  EXPECT_FALSE(is_there(0));
}

TEST(Container, HasRoomForNewInterfacesWhenOldOnesAreGone) {
  const FileTree tree(container_cases() / "v2-service-of-the-host");
  tree.write("config.yaml", "targets:\n  - {name: checkout, process: {comm: checkout}, network: true}\n");
  ContainerUnderTest container(config_of(tree.path()));
  const auto interfaces = [&](int first, int count) {
    std::string text;
    for (int i = first; i < first + count; ++i) {
      text += "eth" + std::to_string(i) + ": 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n";
    }
    tree.write("proc/500/net/dev", text);
    container.pass();
  };
  const auto is_there = [&](int number) {
    return container.page().find("interface=\"eth" + std::to_string(number) + "\"") != std::string::npos;
  };
  interfaces(0, 33);
  EXPECT_TRUE(is_there(31));
  EXPECT_FALSE(is_there(32)) << "one more than there is room for";
  interfaces(100, 0);
  interfaces(100, 2);
  EXPECT_TRUE(is_there(101));
  EXPECT_FALSE(is_there(0));
}

TEST(Container, NeverTakesALimitForNoneWhileItsCgroupIsBeingRemoved) {
  Path path;
  path.container.pass();
  path.tree.remove(path.cgroup);
  path.container.pass();
  EXPECT_TRUE(path.says("sidewatch_target_limit_state{name=\"checkout\",resource=\"memory\",state=\"unknown\"}"));
}

TEST(Container, LooksIntoNoProcessOfAnotherNamespace) {
  const FileTree tree(container_cases() / "v2-service-of-the-host");
  ContainerUnderTest container(config_of(tree.path()), {.own_pid = 78});  // proc/self is 77
  container.pass();
  const auto page = container.page();
  EXPECT_THAT(page, testing::Not(testing::HasSubstr("container_file_descriptors{")));
  EXPECT_THAT(page, testing::Not(testing::HasSubstr("container_start_time_seconds{")));
  EXPECT_THAT(page, testing::HasSubstr("container_processes{"));
}

TEST(Container, LeavesAProcessAloneForAWhileWhoseCgroupCannotBeSeen) {
  Pod pod;
  pod.tree.move("proc/500/root", "proc/500/elsewhere");
  EXPECT_EQ(pod.container.pass().partial_errors, 1u);
  pod.tree.move("proc/500/elsewhere", "proc/500/root");
  pod.container.pass(5s);
  EXPECT_EQ(pod.up(), 0) << "looking is dear, so it is not done in every pass";
  pod.container.pass(5s);
  EXPECT_EQ(pod.up(), 1);
}

std::ptrdiff_t open_files() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
}

TEST(Container, KeepsFewFilesOpenForManyTargets) {
  const FileTree tree(container_cases() / "v2-service-of-the-host");
  std::string yaml = "targets:\n";
  for (int i = 0; i < 16; ++i) {
    yaml += "  - {name: target" + std::to_string(i) + ", cgroup: /shop.slice/checkout.service}\n";
  }
  tree.write("config.yaml", yaml);
  const auto before = open_files();
  ContainerUnderTest container(config_of(tree.path()));
  container.pass();
  container.pass();
  EXPECT_LE(open_files() - before, 16 * 3 + 10) << "the directories of three levels each, and a few files of /proc";
  for (int i = 0; i < 16; ++i) {
    const std::string name = "target" + std::to_string(i);
    EXPECT_EQ(container.value("container_memory_usage_bytes{container=\"" + name +
                              "\",id=\"/shop.slice/checkout.service\",name=\"" + name + "\"}"),
              167772160);
  }
}

}  // namespace
}  // namespace sidewatch::container
