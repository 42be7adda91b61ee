// How targets live: found, lost, found again, and what is said of them over time.
#include "collectors/container/container.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/collectors/container/container_under_test.h"

namespace sidewatch::container {
namespace {

using namespace std::chrono_literals;

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

TEST(Container, CountsOnceThatATargetCannotBeSeenAndSaysSoAsLongAsItIsSo) {
  ContainerUnderTest container(config_of(container_cases() / "unseen"));
  const auto first = container.pass();
  EXPECT_EQ(first.partial_errors, 1u);
  EXPECT_THAT(first.first_partial_error, testing::HasSubstr("target hidden: the cgroup of process 500 cannot be seen"));
  const auto second = container.pass();
  EXPECT_EQ(second.partial_errors, 0u);
  EXPECT_EQ(second.first_partial_error, first.first_partial_error);
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
