// Which directory is a cgroup's: the texts are what the kernel shows in the situations that containers bring.
#include "collectors/container/cgroup_place.h"

#include <gtest/gtest.h>

namespace sidewatch::container {
namespace {

std::string mount_line(const std::string& root, const std::string& directory, const std::string& type,
                       const std::string& options) {
  return "32 31 0:29 " + root + " " + directory + " rw,relatime shared:9 - " + type + " cgroup " + options + "\n";
}
std::string v2_mount(const std::string& root) { return mount_line(root, "/sys/fs/cgroup", "cgroup2", "rw"); }

Place place_of(const std::string& mountinfo, const std::string& cgroup, const std::string& prefix = "") {
  const auto mounts = parse_mounts(mountinfo, prefix);
  return locate(mounts, parse_memberships(cgroup));
}

// "directory|way" of a controller, or "-".
std::string where(const std::optional<Hierarchy>& hierarchy) {
  return hierarchy ? hierarchy->top + "|" + hierarchy->path : "-";
}

TEST(CgroupPlace, FindsAServiceOfTheHost) {
  const Place place = place_of(v2_mount("/"), "0::/system.slice/checkout.service\n");
  for (const auto& controller : place.controllers) {
    EXPECT_EQ(where(controller), "/sys/fs/cgroup|/system.slice/checkout.service");
  }
  EXPECT_EQ(where(place.unified), "/sys/fs/cgroup|/system.slice/checkout.service");
  EXPECT_EQ(place.id, "/system.slice/checkout.service");
}

TEST(CgroupPlace, FindsAContainerInANamespaceOfItsOwn) {
  EXPECT_EQ(where(place_of(v2_mount("/"), "0::/\n").controllers[memory_controller]), "/sys/fs/cgroup|");
}

TEST(CgroupPlace, FindsAnotherContainerOfThePodThroughItsRoot) {
  const std::string cgroup = "0::/../cri-containerd-abc.scope\n";
  const Place seen = place_of(v2_mount("/../cri-containerd-abc.scope"), cgroup, "/proc/7/root");
  EXPECT_EQ(where(seen.controllers[memory_controller]), "/proc/7/root/sys/fs/cgroup|");
  EXPECT_TRUE(place_of(v2_mount("/"), cgroup).empty()) << "the agent's own mount does not show it";
}

TEST(CgroupPlace, FindsACgroupWithinAContainer) {
  const Place place = place_of(v2_mount("/../cri-a.scope"), "0::/../cri-a.scope/init.scope\n");
  EXPECT_EQ(where(place.controllers[cpu_controller]), "/sys/fs/cgroup|/init.scope");
  EXPECT_TRUE(place_of(v2_mount("/../cri-a.scope"), "0::/../cri-ab.scope\n").empty()) << "only its name begins alike";
}

TEST(CgroupPlace, FindsEveryControllerOfV1) {
  const std::string mounts = mount_line("/docker/abc", "/sys/fs/cgroup/memory", "cgroup", "rw,memory") +
                             mount_line("/docker/abc", "/sys/fs/cgroup/cpu,cpuacct", "cgroup", "rw,cpu,cpuacct") +
                             mount_line("/docker/abc", "/sys/fs/cgroup/systemd", "cgroup", "rw,xattr,name=systemd");
  const Place place = place_of(mounts,
                               "12:pids:/docker/abc\n5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc/child\n"
                               "1:name=systemd:/docker/abc\n");
  EXPECT_EQ(where(place.controllers[memory_controller]), "/sys/fs/cgroup/memory|/child");
  EXPECT_EQ(where(place.controllers[cpu_controller]), "/sys/fs/cgroup/cpu,cpuacct|");
  EXPECT_EQ(where(place.controllers[cpuacct_controller]), "/sys/fs/cgroup/cpu,cpuacct|");
  EXPECT_EQ(where(place.controllers[pids_controller]), "-") << "not mounted";
  EXPECT_EQ(where(place.controllers[blkio_controller]), "-");
  EXPECT_EQ(where(place.unified), "-");
  EXPECT_EQ(place.id, "/docker/abc/child");
}

TEST(CgroupPlace, TakesWhatV1HasFromV1OnAHybridMachine) {
  const std::string mounts = mount_line("/", "/sys/fs/cgroup/memory", "cgroup", "rw,memory") +
                             mount_line("/", "/sys/fs/cgroup/unified", "cgroup2", "rw");
  const Place place = place_of(mounts, "4:memory:/a\n0::/b\n");
  EXPECT_EQ(where(place.controllers[memory_controller]), "/sys/fs/cgroup/memory|/a");
  EXPECT_EQ(where(place.controllers[pids_controller]), "/sys/fs/cgroup/unified|/b") << "v1 does not have it";
  EXPECT_EQ(where(place.unified), "/sys/fs/cgroup/unified|/b");
  EXPECT_EQ(place.id, "/a");
}

TEST(CgroupPlace, PrefersTheMountThatShowsMostAbove) {
  const std::string mounts = v2_mount("/kubepods/pod1/c1") + mount_line("/", "/host/cgroup", "cgroup2", "rw");
  EXPECT_EQ(where(place_of(mounts, "0::/kubepods/pod1/c1\n").unified), "/host/cgroup|/kubepods/pod1/c1");
}

TEST(CgroupPlace, ReadsNamesWithBlanks) {
  const auto mounts = parse_mounts(mount_line("/", "/mnt/c\\040groups\\134x", "cgroup2", "rw"), "");
  ASSERT_EQ(mounts.size(), 1u);
  EXPECT_EQ(mounts[0].directory, "/mnt/c groups\\x");
  EXPECT_EQ(place_of(v2_mount("/"), "0::/a: b\n").id, "/a: b");
}

TEST(CgroupPlace, FindsNothingInWhatIsNone) {
  EXPECT_TRUE(place_of(v2_mount("/"), "").empty());
  EXPECT_TRUE(place_of(v2_mount("/"), "0::/a").empty()) << "torn";
  EXPECT_TRUE(place_of(v2_mount("/"), "0::relative\n").empty());
  EXPECT_TRUE(place_of(v2_mount("/"), "0::/gone (deleted)\n").empty());
  EXPECT_TRUE(place_of(v2_mount("/"), "nonsense\n::\n0:\n").empty());
  EXPECT_TRUE(place_of("", "0::/a\n").empty());
  EXPECT_TRUE(place_of("32 31 0:29 / /sys ext4\n\n - \n", "0::/a\n").empty());
}

TEST(CgroupPlace, LocatesAPathInEveryHierarchy) {
  const auto mounts = parse_mounts(mount_line("/", "/c/memory", "cgroup", "rw,memory") +
                                       mount_line("/", "/c/pids", "cgroup", "rw,pids"), "");
  const auto place = locate(mounts, members_of(mounts, "/a/b"));
  EXPECT_EQ(where(place.controllers[memory_controller]), "/c/memory|/a/b");
  EXPECT_EQ(where(place.controllers[pids_controller]), "/c/pids|/a/b");
  EXPECT_EQ(place.id, "/a/b");
}

}  // namespace
}  // namespace sidewatch::container
