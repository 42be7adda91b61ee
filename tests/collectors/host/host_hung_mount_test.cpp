// A network filesystem whose server is dead: statfs does not return.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "host_under_test.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

// The servers behind the mounts. Lives as long as the program, as a call that hangs may.
struct Servers {
  std::mutex mutex;
  std::condition_variable changed;
  bool dead = true;  // those whose path ends with "dead" do not answer
  std::map<std::string, int> asked;
  int hanging = 0;
};
Servers& servers() {
  static auto* const all = new Servers;
  return *all;
}

int statfs_of_servers(const char* path, FilesystemUsage& usage) {
  std::unique_lock lock(servers().mutex);
  const std::string name = std::string(path).substr(std::string_view(path).rfind('/') + 1);
  ++servers().asked[name];
  if (name.ends_with("dead")) {
    ++servers().hanging;
    servers().changed.wait_for(lock, 60s, [] { return !servers().dead; });
    --servers().hanging;
    servers().changed.notify_all();
  }
  usage = {1'000'000, 500'000, 400'000, 1000, 900};
  return 0;
}

class HungMount : public testing::Test {
 protected:
  HungMount() {
    servers().dead = true;
    servers().asked.clear();
    config_.mount_timeout = Duration(200);
    system_.statfs = statfs_of_servers;
  }
  ~HungMount() override { revive(); }

  void mount(const std::vector<std::string>& names) {
    std::string lines;
    for (const auto& name : names) lines += "nas:/" + name + " /mnt/" + name + " nfs4 rw 0 0\n";
    tree_.write("proc/1/mounts", lines);
  }
  // Lets everybody answer, and waits until the calls that hung are over.
  void revive() {
    std::unique_lock lock(servers().mutex);
    servers().dead = false;
    servers().changed.notify_all();
    EXPECT_TRUE(servers().changed.wait_for(lock, 20s, [] { return servers().hanging == 0; }));
  }
  int asked(const std::string& name) {
    const std::lock_guard lock(servers().mutex);
    return servers().asked[name];
  }
  static std::string labels(const std::string& name) {
    return "{device=\"nas:/" + name + "\",fstype=\"nfs4\",mountpoint=\"/mnt/" + name + "\"}";
  }
  static std::optional<double> value(const HostUnderTest& host, const std::string& metric, const std::string& name) {
    const auto values = host.values();
    const auto found = values.find(metric + labels(name));
    return found == values.end() ? std::nullopt : std::optional(found->second);
  }
  std::vector<PartKind> remote() const { return {remote_filesystem_parts().begin(), remote_filesystem_parts().end()}; }

  TemporaryTree tree_;
  HostConfig config_ = config_for(tree_.path());
  HostSystem system_ = fixed_system();
};

TEST_F(HungMount, CostsOnlyItsOwnSamples) {
  mount({"one", "dead", "two"});
  HostUnderTest host(config_, system_, remote());
  const auto outcome = host.pass();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->partial_errors, 1u);
  EXPECT_NE(outcome->first_partial_error.find("mnt/dead: Connection timed out"), std::string::npos)
      << outcome->first_partial_error;
  EXPECT_EQ(value(host, "node_filesystem_device_error", "dead"), 1);
  EXPECT_EQ(value(host, "node_filesystem_size_bytes", "dead"), std::nullopt);
  for (const std::string name : {"one", "two"}) {
    EXPECT_EQ(value(host, "node_filesystem_device_error", name), 0) << name;
    EXPECT_EQ(value(host, "node_filesystem_avail_bytes", name), 400'000) << name;
  }
}

TEST_F(HungMount, IsNotAskedAgainBeforeItHasAnswered) {
  mount({"one", "dead"});
  HostUnderTest host(config_, system_, remote());
  ASSERT_TRUE(host.pass());
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(host.pass());
    EXPECT_EQ(value(host, "node_filesystem_device_error", "dead"), 1);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 20 * 200ms) << "it is waited for once and not in every pass";
  EXPECT_EQ(asked("dead"), 1);
  EXPECT_EQ(asked("one"), 21);
  revive();
  const auto give_up = std::chrono::steady_clock::now() + 20s;
  while (value(host, "node_filesystem_device_error", "dead") != 0 && std::chrono::steady_clock::now() < give_up) {
    ASSERT_TRUE(host.pass());
  }
  EXPECT_EQ(value(host, "node_filesystem_size_bytes", "dead"), 1'000'000);
}

TEST_F(HungMount, WithManyOthersHoldsUpThePassForLittleMoreThanOne) {
  config_.mount_timeout = Duration(1000);
  std::vector<std::string> names;
  for (int i = 0; i < 10; ++i) names.push_back(std::to_string(i) + "dead");
  mount(names);
  HostUnderTest host(config_, system_, remote());
  const auto begin = std::chrono::steady_clock::now();
  const auto outcome = host.pass();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->partial_errors, 10u);
}

TEST_F(HungMount, ThatIsUnmountedIsForgotten) {
  mount({"one", "dead"});
  {
    HostUnderTest host(config_, system_, remote());
    ASSERT_TRUE(host.pass());
    mount({"one"});
    const auto outcome = host.pass();
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->partial_errors, 0u);
    EXPECT_EQ(value(host, "node_filesystem_device_error", "dead"), std::nullopt);
  }  // the collector ends while the call still hangs
  EXPECT_EQ(asked("dead"), 1);
}

}  // namespace
}  // namespace sidewatch
