// Where init takes itself to stand, and which limits it finds there.
#include "agent/init/surroundings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/agent/init/machine_tree.h"
#include "tests/support/temp_dir.h"

namespace sidewatch::discovery {
namespace {

using testing::Optional;

class Surroundings : public testing::Test {
 protected:
  Machine around() {
    const LookOptions options{.root = root_.path(), .own_pid = 0, .environment = {}};
    Machine machine;
    look_around(options, ProcDir(options.root + "/proc"), machine);
    return machine;
  }
  // A container whose cgroup is `cgroup`, as the text of its file says.
  void plant_container(const std::string& cgroup, const std::string& files) {
    plant_machine("-- file .dockerenv --\n-- file proc/1/cgroup --\n" + cgroup + "\n" + files, root_.path());
  }
  const TempDir root_;
};

TEST_F(Surroundings, AreAPodWhereItsSecretsAre) {
  plant_machine("-- file run/secrets/kubernetes.io/serviceaccount/namespace --\nshop\n-- link var/run /run --\n",
                root_.path());
  EXPECT_EQ(around().place, Place::pod);
  const TempDir without_link;
  plant_machine("-- file var/run/secrets/kubernetes.io/serviceaccount/namespace --\nshop\n", without_link.path());
  Machine machine;
  look_around({.root = without_link.path(), .own_pid = 0, .environment = {}}, ProcDir(without_link / "proc"), machine);
  EXPECT_EQ(machine.place, Place::pod);
}

// The link is absolute: from inside a pod that looks at its host it leads to the pod's own secrets.
TEST_F(Surroundings, AreAHostsEvenWhenItsLinkLeadsToThePodThatLooks) {
  const TempDir pod;
  plant_machine("-- file secrets/kubernetes.io/serviceaccount/namespace --\nshop\n", pod.path());
  plant_machine("-- file proc/1/cgroup --\n0::/init.scope\n-- link var/run " + pod.path() + " --\n", root_.path());
  ASSERT_TRUE(std::filesystem::exists(root_ / "var/run/secrets/kubernetes.io")) << "as the pod sees it";
  EXPECT_EQ(around().place, Place::host);
}

TEST_F(Surroundings, HaveTheLimitsOfTheirCgroup) {
  plant_container("0::/box",
                  "-- file sys/fs/cgroup/box/memory.max --\n536870912\n-- file sys/fs/cgroup/box/cpu.max --\n"
                  "150000 100000\n");
  EXPECT_THAT(around().memory_limit, Optional(536870912u));
  EXPECT_THAT(around().cpu_limit, Optional(1.5));
}

TEST_F(Surroundings, HaveTheLimitsOfWhatIsMountedAsTheRoot) {
  plant_container("0::/../box",
                  "-- file sys/fs/cgroup/memory.max --\n1073741824\n-- file sys/fs/cgroup/cpu.max --\n50000 100000\n");
  EXPECT_THAT(around().memory_limit, Optional(1073741824u));
  EXPECT_THAT(around().cpu_limit, Optional(0.5));
}

TEST_F(Surroundings, HaveTheLimitsOfTheOldCgroupsToo) {
  plant_container("5:memory:/box\n4:cpu,cpuacct:/box",
                  "-- file sys/fs/cgroup/memory/box/memory.limit_in_bytes --\n268435456\n"
                  "-- file sys/fs/cgroup/cpu/box/cpu.cfs_quota_us --\n25000\n"
                  "-- file sys/fs/cgroup/cpu/box/cpu.cfs_period_us --\n100000\n");
  EXPECT_THAT(around().memory_limit, Optional(268435456u));
  EXPECT_THAT(around().cpu_limit, Optional(0.25));
}

TEST_F(Surroundings, HaveNoLimitWhereThereIsNoneAndWhereNoneCanBeRead) {
  plant_container("0::/box",
                  "-- file sys/fs/cgroup/box/memory.max --\nmax\n-- file sys/fs/cgroup/box/cpu.max --\nmax 100000\n");
  EXPECT_EQ(around().memory_limit, std::nullopt);
  EXPECT_EQ(around().cpu_limit, std::nullopt);
  plant_container("5:memory:/old\n4:cpu:/old",
                  "-- file sys/fs/cgroup/memory/old/memory.limit_in_bytes --\n9223372036854771712\n"
                  "-- file sys/fs/cgroup/cpu/old/cpu.cfs_quota_us --\n-1\n"
                  "-- file sys/fs/cgroup/cpu/old/cpu.cfs_period_us --\n100000\n");
  EXPECT_EQ(around().memory_limit, std::nullopt);
  EXPECT_EQ(around().cpu_limit, std::nullopt);
  std::filesystem::remove_all(root_ / "sys");
  EXPECT_EQ(around().memory_limit, std::nullopt);
  EXPECT_EQ(around().cpu_limit, std::nullopt);
}

}  // namespace
}  // namespace sidewatch::discovery
