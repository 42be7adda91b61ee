// Btrfs filesystems that are mounted, unmounted and that do not answer, over the case "btrfs".
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "host_under_test.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const std::string kErrors = R"(node_btrfs_device_errors_total{btrfs_dev_uuid="0c1b2a39-4857-4675-9384-a5b6c7d8e9f0",)"
                            R"(device="sdb4",type="corruption",uuid="7f07c59f-6136-449c-ab87-e1cf2328731b"})";
const std::string kPlainSize =
    R"(node_btrfs_device_size_bytes{device="sdb4",uuid="7f07c59f-6136-449c-ab87-e1cf2328731b"})";
const std::string kSpace = R"(node_btrfs_global_rsv_size_bytes{uuid="7f07c59f-6136-449c-ab87-e1cf2328731b"})";

// The disks behind the mount. Lives as long as the program, as a call that hangs may.
struct Disks {
  std::mutex mutex;
  std::condition_variable changed;
  bool dead = false;
  int hanging = 0;
};
Disks& disks() {
  static auto* const all = new Disks;
  return *all;
}

int ask_disks(const char* mount_point, BtrfsFilesystem& filesystem) {
  std::unique_lock lock(disks().mutex);
  ++disks().hanging;
  disks().changed.wait_for(lock, 60s, [] { return !disks().dead; });
  --disks().hanging;
  disks().changed.notify_all();
  return fixed_system().btrfs(mount_point, filesystem);
}

void revive() {
  std::unique_lock lock(disks().mutex);
  disks().dead = false;
  disks().changed.notify_all();
  EXPECT_TRUE(disks().changed.wait_for(lock, 20s, [] { return disks().hanging == 0; }));
}

std::vector<PartKind> btrfs_part() {
  std::vector<PartKind> parts = all_parts();
  std::erase_if(parts, [](const PartKind& kind) { return kind.name != "btrfs"; });
  return parts;
}

class HostBtrfs : public testing::Test {
 protected:
  TemporaryTree tree_{host_cases() / "btrfs"};
  HostConfig config_ = config_for(tree_.path());
};

TEST_F(HostBtrfs, TheDevicesOfAFilesystemAreToldOfAsLongAsItIsMounted) {
  HostUnderTest host(config_, fixed_system(), btrfs_part());
  ASSERT_TRUE(host.pass());
  EXPECT_EQ(host.values().at(kErrors), 17);
  EXPECT_FALSE(host.values().contains(kPlainSize));
  tree_.write("proc/1/mounts", "/dev/sda1 / ext4 rw 0 0\n");
  ASSERT_TRUE(host.pass());
  EXPECT_FALSE(host.values().contains(kErrors));
  EXPECT_EQ(host.values().at(kPlainSize), 20'971'520 * 512.0);
  EXPECT_TRUE(host.values().contains(kSpace));
  tree_.write("proc/1/mounts", "/dev/sda4 /mnt/pool btrfs rw 0 0\n");
  ASSERT_TRUE(host.pass());
  EXPECT_EQ(host.values().at(kErrors), 17);
  EXPECT_FALSE(host.values().contains(kPlainSize));
}

TEST_F(HostBtrfs, AFilesystemThatMayNotBeAskedIsNoError) {
  tree_.write("proc/1/mounts", "/dev/sda4 /srv/private btrfs rw 0 0\n");
  HostUnderTest host(config_, fixed_system(), btrfs_part());
  const auto outcome = host.pass();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->partial_errors, 0u) << outcome->first_partial_error;
  EXPECT_TRUE(host.values().contains(kPlainSize));
}

TEST_F(HostBtrfs, DisksThatDoNotAnswerCostTheirDevicesAndAreWaitedForOnce) {
  HostSystem system = fixed_system();
  system.btrfs = ask_disks;
  config_.mount_timeout = Duration(100);
  HostUnderTest host(config_, system, btrfs_part());
  ASSERT_TRUE(host.pass());
  EXPECT_EQ(host.values().at(kErrors), 17);
  {
    const std::lock_guard lock(disks().mutex);
    disks().dead = true;
  }
  const auto outcome = host.pass();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->partial_errors, 1u);
  EXPECT_THAT(outcome->first_partial_error, HasSubstr("btrfs: "));
  EXPECT_THAT(outcome->first_partial_error, HasSubstr("does not answer"));
  EXPECT_FALSE(host.values().contains(kErrors));
  EXPECT_TRUE(host.values().contains(kSpace));
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(host.pass());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 50 * 100ms) << "it is waited for once and not in every pass";
  revive();
  const auto give_up = std::chrono::steady_clock::now() + 20s;
  while (!host.values().contains(kErrors) && std::chrono::steady_clock::now() < give_up) ASSERT_TRUE(host.pass());
  EXPECT_EQ(host.values().at(kErrors), 17);
}

TEST_F(HostBtrfs, WhatIsNoBtrfsIsNotTakenForOne) {
  BtrfsFilesystem filesystem;
  EXPECT_EQ(HostSystem::real().btrfs("/proc", filesystem), ENOTTY);
  EXPECT_EQ(HostSystem::real().btrfs("/there/is/no/such/directory", filesystem), ENOENT);
}

}  // namespace
}  // namespace sidewatch
