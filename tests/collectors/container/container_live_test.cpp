// Against this machine's kernel: real cgroups with real limits and a real process in them.
//
// Needs root and cgroup v1 or v2 with controllers at the root. The cgroups are made directly below the root; the child
// joins one only where the test itself is at the root of that hierarchy, because a cgroup that somebody else manages (a
// container's, a session's) is not to be left.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <thread>

#include "collectors/container/finder.h"
#include "tests/collectors/container/container_under_test.h"

namespace sidewatch::container {
namespace {

using namespace std::chrono_literals;

constexpr const char* kNotOurs = "this test is in a cgroup of somebody else's, which it does not leave";

bool put(const std::string& file, const std::string& text) {
  std::ofstream out(file);
  out << text << std::flush;
  return static_cast<bool>(out);
}

// A cgroup in one hierarchy with another one in it, removed when the test is over.
class MadeCgroup {
 public:
  explicit MadeCgroup(std::string directory) : directory_(std::move(directory)) {
    made_ = mkdir_quietly(directory_) && mkdir_quietly(inner());
  }
  ~MadeCgroup() {
    rmdir(inner().c_str());
    rmdir(directory_.c_str());
  }
  MadeCgroup(const MadeCgroup&) = delete;
  MadeCgroup& operator=(const MadeCgroup&) = delete;

  bool made() const { return made_; }
  const std::string& outer() const { return directory_; }
  std::string inner() const { return directory_ + "/inner"; }

 private:
  static bool mkdir_quietly(const std::string& path) {
    std::error_code error;
    return std::filesystem::create_directory(path, error);
  }
  const std::string directory_;
  bool made_ = false;
};

// A child that uses CPU until the test is over.
class BusyChild {
 public:
  BusyChild() : pid_(fork()) {
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    volatile std::uint64_t count = 0;
    for (;;) count = count + 1;
  }
  ~BusyChild() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  BusyChild(const BusyChild&) = delete;
  BusyChild& operator=(const BusyChild&) = delete;
  pid_t pid() const { return pid_; }

 private:
  const pid_t pid_;
};

class ContainerLive : public testing::Test {
 protected:
  // The mount of `controller` when cgroups can be made there; says why not otherwise.
  std::optional<CgroupMount> usable(Controller controller) {
    const Surroundings here(Roots(), 0);
    ReadBuffer buffer;
    for (const auto& mount : own_mounts(here, buffer)) {
      const auto& names = mount.controllers;
      const bool v1 = std::find(names.begin(), names.end(), controller_name(controller)) != names.end();
      if (mount.root != "/" || (!v1 && !mount.unified)) continue;
      if (access(mount.directory.c_str(), W_OK) != 0) continue;
      if (mount.unified && !has_controller(mount.directory, controller)) continue;
      return mount;
    }
    return std::nullopt;
  }
  static bool has_controller(const std::string& directory, Controller controller) {
    std::ifstream file(directory + "/cgroup.subtree_control");
    std::string word;
    while (file >> word) {
      if (word == controller_name(controller)) return true;
    }
    return false;
  }
  // Whether the test itself is at the root of the hierarchy.
  static bool at_root(const CgroupMount& mount, Controller controller) {
    for (const auto& member : parse_memberships(text_of("/proc/self/cgroup"))) {
      const auto& names = member.controllers;
      const bool v1 = std::find(names.begin(), names.end(), controller_name(controller)) != names.end();
      if (mount.unified ? member.unified : v1) return member.path == "/";
    }
    return false;
  }

  static TargetConfig path_target(const std::string& path) {
    TargetConfig target;
    target.name.value = "test";
    target.cgroup = path;
    return target;
  }
  static ContainerConfig config_with(TargetConfig target) {
    ContainerConfig config;
    config.targets.push_back(std::move(target));
    return config;
  }

  const std::string name_ = "sidewatch-test-" + std::to_string(getpid());
};

TEST_F(ContainerLive, ReadsTheSmallestMemoryLimitOfARealCgroupAndThoseAboveIt) {
  const auto mount = usable(memory_controller);
  if (!mount) GTEST_SKIP() << "no hierarchy with the memory controller can be written here";
  const MadeCgroup cgroup(mount->directory + "/" + name_);
  if (!cgroup.made()) GTEST_SKIP() << "no cgroup can be made in " << mount->directory << ": " << std::strerror(errno);
  const std::string file = mount->unified ? "/memory.max" : "/memory.limit_in_bytes";

  ContainerUnderTest container(config_with(path_target("/" + name_ + "/inner")), {});
  const std::string labels = "{container=\"test\",id=\"/" + name_ + "/inner\",name=\"test\"}";
  const auto limit = [&] { return container.value("container_spec_memory_limit_bytes" + labels); };
  container.pass();
  EXPECT_EQ(container.value("sidewatch_target_up{name=\"test\"}"), 1);
  EXPECT_EQ(limit(), 0) << "a new cgroup has no limit";
  EXPECT_TRUE(container.value("sidewatch_target_limit_state{name=\"test\",resource=\"memory\",state=\"unlimited\"}"));

  ASSERT_TRUE(put(cgroup.inner() + file, "134217728"));
  container.pass();
  EXPECT_EQ(limit(), 134217728);
  ASSERT_TRUE(put(cgroup.outer() + file, "67108864"));
  container.pass();
  EXPECT_EQ(limit(), 67108864) << "the one above is smaller";
  EXPECT_TRUE(container.value("container_memory_usage_bytes" + labels));
  EXPECT_EQ(container.value("container_oom_events_total" + labels), 0);
}

TEST_F(ContainerLive, FindsACgroupThatWasRemovedAndMadeAgain) {
  const auto mount = usable(memory_controller);
  if (!mount) GTEST_SKIP() << "no hierarchy with the memory controller can be written here";
  ContainerUnderTest container(config_with(path_target("/" + name_)), {});
  const auto up = [&] {
    container.pass();
    return container.value("sidewatch_target_up{name=\"test\"}");
  };
  EXPECT_EQ(up(), 0);
  for (int round = 0; round < 3; ++round) {
    const MadeCgroup cgroup(mount->directory + "/" + name_);
    if (!cgroup.made()) GTEST_SKIP() << "no cgroup can be made in " << mount->directory;
    EXPECT_EQ(up(), 1);
  }
  EXPECT_EQ(up(), 0);
}

TEST_F(ContainerLive, CountsTheProcessesOfARealCgroup) {
  const auto mount = usable(pids_controller);
  if (!mount) GTEST_SKIP() << "no hierarchy with the pids controller can be written here";
  if (!at_root(*mount, pids_controller)) GTEST_SKIP() << kNotOurs;
  const MadeCgroup cgroup(mount->directory + "/" + name_);
  if (!cgroup.made()) GTEST_SKIP() << "no cgroup can be made in " << mount->directory;
  const BusyChild child;
  ASSERT_TRUE(put(cgroup.inner() + "/pids.max", "8"));
  ASSERT_TRUE(put(cgroup.inner() + "/cgroup.procs", std::to_string(child.pid())));

  const FileTree files;
  files.write("pid", std::to_string(child.pid()));
  TargetConfig target;
  target.name.value = "test";
  target.process.emplace();
  target.process->pid_file = (files.path() / "pid").string();
  ContainerUnderTest container(config_with(target), {});
  container.pass();
  EXPECT_EQ(container.value("sidewatch_target_up{name=\"test\"}"), 1);
  EXPECT_EQ(container.value("container_threads_limit_used_ratio{container=\"test\",name=\"test\"}"), 0.125);
  const auto ratio = container.value("container_file_descriptors_limit_used_ratio{container=\"test\",name=\"test\"}");
  ASSERT_TRUE(ratio);
  EXPECT_GT(*ratio, 0);
  EXPECT_LT(*ratio, 1);
}

TEST_F(ContainerLive, SeesARealProcessThrottled) {
  const auto quota = usable(cpu_controller);
  if (!quota) GTEST_SKIP() << "no hierarchy with the cpu controller can be written here";
  if (!at_root(*quota, cpu_controller)) GTEST_SKIP() << kNotOurs;
  const MadeCgroup cgroup(quota->directory + "/" + name_);
  if (!cgroup.made()) GTEST_SKIP() << "no cgroup can be made in " << quota->directory;
  if (quota->unified) {
    ASSERT_TRUE(put(cgroup.inner() + "/cpu.max", "10000 100000"));
  } else {
    ASSERT_TRUE(put(cgroup.inner() + "/cpu.cfs_quota_us", "10000"));
  }
  const auto usage = usable(cpuacct_controller);
  std::optional<MadeCgroup> accounting;
  if (usage && usage->directory != quota->directory) accounting.emplace(usage->directory + "/" + name_);
  const BusyChild child;
  ASSERT_TRUE(put(cgroup.inner() + "/cgroup.procs", std::to_string(child.pid())));
  if (accounting) {
    ASSERT_TRUE(put(accounting->inner() + "/cgroup.procs", std::to_string(child.pid())));
  }

  ContainerUnderTest container(config_with(path_target("/" + name_ + "/inner")), {});
  const auto derived = [&](const std::string& metric) {
    return container.value(metric + "{container=\"test\",name=\"test\"}").value_or(0);
  };
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  auto before = std::chrono::steady_clock::now();
  container.pass();
  while (std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(50ms);  // between two looks; a deadline bounds the waiting
    const auto now = std::chrono::steady_clock::now();
    if (now - before < 500ms) continue;
    container.pass(std::chrono::duration_cast<Duration>(now - before));
    before = now;
    if (derived("container_cpu_throttled_ratio") > 0 && derived("container_cpu_quota_used_ratio") > 0) break;
  }
  EXPECT_DOUBLE_EQ(derived("container_cpu_limit_cores"), 0.1);
  EXPECT_GT(derived("container_cpu_throttled_ratio"), 0);
  EXPECT_GT(derived("container_cpu_quota_used_ratio"), 0);
  EXPECT_LT(derived("container_cpu_quota_used_ratio"), 2);
}

TEST_F(ContainerLive, ReadsThePressureOfARealCgroupAlone) {
  const Surroundings here(Roots(), 0);
  ReadBuffer buffer;
  std::optional<CgroupMount> unified;
  for (const auto& mount : own_mounts(here, buffer)) {
    if (mount.unified && mount.root == "/" && access(mount.directory.c_str(), W_OK) == 0) unified = mount;
  }
  if (!unified) GTEST_SKIP() << "no cgroup v2 can be written here";
  if (!at_root(*unified, memory_controller)) GTEST_SKIP() << kNotOurs;
  const MadeCgroup cgroup(unified->directory + "/" + name_);
  if (!cgroup.made()) GTEST_SKIP() << "no cgroup can be made in " << unified->directory;
  if (!std::filesystem::exists(cgroup.inner() + "/cpu.pressure")) GTEST_SKIP() << "this kernel tells of no pressure";
  const std::string path = "/" + name_ + "/inner";
  ContainerUnderTest container(config_with(path_target(path)), {});
  container.pass();
  const std::string labels = "{container=\"test\",id=\"" + path + "\",name=\"test\"}";
  EXPECT_EQ(container.value("container_pressure_cpu_waiting_seconds_total" + labels), 0) << "nothing runs in it";
  EXPECT_EQ(container.value("container_pressure_memory_stalled_seconds_total" + labels), 0);
  EXPECT_EQ(container.value("container_cpu_usage_seconds_total{container=\"test\",cpu=\"total\",id=\"" + path +
                            "\",name=\"test\"}"),
            0);
}

TEST_F(ContainerLive, ReadsTheOwnCgroupAsTheKernelTellsIt) {
  TargetConfig target;
  target.name.value = "own";
  target.own = true;
  ContainerUnderTest container(config_with(target), {});
  const PassOutcome outcome = container.pass();
  EXPECT_EQ(outcome.partial_errors, 0u) << outcome.first_partial_error;
  if (container.value("sidewatch_target_up{name=\"own\"}") != 1) GTEST_SKIP() << "no cgroups are mounted here";
  EXPECT_GT(container.samples(), 10u);
}

}  // namespace
}  // namespace sidewatch::container
