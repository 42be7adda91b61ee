#include "collectors/host/host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>

#include "host_under_test.h"

namespace sidewatch {
namespace {

using testing::HasSubstr;

std::string cpu_line(int idle, int iowait) {
  return "cpu0 10 0 10 " + std::to_string(idle) + " " + std::to_string(iowait) + " 0 0 0 0 0\n";
}

const std::string kIdle = R"(node_cpu_seconds_total{cpu="0",mode="idle"})";
const std::string kIowait = R"(node_cpu_seconds_total{cpu="0",mode="iowait"})";

class HostTree : public testing::Test {
 protected:
  TemporaryTree tree_{host_cases() / "linux-6.1"};
  HostConfig config_ = config_for(tree_.path());
};

TEST_F(HostTree, CpuTimesNeverRunBackwards) {
  tree_.write("proc/stat", cpu_line(5000, 300));
  HostUnderTest host(config_);
  ASSERT_TRUE(host.pass());
  tree_.write("proc/stat", cpu_line(5010, 290));
  ASSERT_TRUE(host.pass());
  EXPECT_EQ(host.values().at(kIdle), 50.1);
  EXPECT_EQ(host.values().at(kIowait), 3.0);
}

TEST_F(HostTree, ACoreThatWasTakenOutAndPutInStartsAnew) {
  tree_.write("proc/stat", cpu_line(5000, 300));
  HostUnderTest host(config_);
  ASSERT_TRUE(host.pass());
  tree_.write("proc/stat", cpu_line(100, 2));
  ASSERT_TRUE(host.pass());
  EXPECT_EQ(host.values().at(kIdle), 1.0);
  EXPECT_EQ(host.values().at(kIowait), 0.02);
}

TEST_F(HostTree, NoCounterIsNegative) {
  HostUnderTest host(config_);
  ASSERT_TRUE(host.pass());
  for (const auto& [series, value] : host.values()) {
    const bool may_be_negative = series.starts_with("node_network_speed_bytes") ||  // -1: not known
                                 series.starts_with("node_timex_offset_seconds") ||
                                 series.starts_with("node_thermal_zone_temp");
    if (!may_be_negative) {
      EXPECT_GE(value, 0) << series;
    }
  }
}

TEST_F(HostTree, ADeviceThatVanishesTakesOnlyItsOwnSeriesAndIsNoError) {
  HostUnderTest host(config_);
  ASSERT_TRUE(host.pass());
  const auto before = host.values();
  tree_.write("proc/diskstats", "   8       0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n");
  tree_.remove("sys/class/net/eth0");
  tree_.write("proc/1/mounts", "/dev/sda1 / ext4 rw 0 0\n");
  const auto outcome = host.pass();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->partial_errors, 0u) << outcome->first_partial_error;
  const auto after = host.values();
  const auto of = [](const std::string& metric, const std::string& device) {
    return metric + "{device=\"" + device + "\"}";
  };
  for (const auto* metric : {"node_disk_io_now", "node_disk_flush_requests_total"}) {
    EXPECT_EQ(before.count(of(metric, "nvme0n1")), 1u) << metric;
    EXPECT_EQ(after.count(of(metric, "nvme0n1")), 0u) << metric;
    EXPECT_EQ(after.count(of(metric, "sda")), 1u) << metric;
  }
  EXPECT_EQ(before.count(of("node_network_up", "eth0")), 1u);
  EXPECT_EQ(after.count(of("node_network_up", "eth0")), 0u);
  EXPECT_EQ(after.count(of("node_network_up", "lo")), 1u);
  EXPECT_THAT(host.page(), HasSubstr("mountpoint=\"/\""));
  EXPECT_THAT(host.page(), testing::Not(HasSubstr("/srv/my data")));
}

TEST_F(HostTree, ADeviceThatComesIsSampledFromThenOn) {
  HostUnderTest host(config_);
  ASSERT_TRUE(host.pass());
  tree_.write("sys/class/net/eth7/operstate", "up\n");
  tree_.write("sys/class/net/eth7/mtu", "9000\n");
  ASSERT_TRUE(host.pass());
  EXPECT_EQ(host.values().at(R"(node_network_up{device="eth7"})"), 1);
  EXPECT_EQ(host.values().at(R"(node_network_mtu_bytes{device="eth7"})"), 9000);
}

TEST_F(HostTree, ALinkThatGoesDownIsSeenAtOnceWithItsNewProperties) {
  HostUnderTest host(config_);
  ASSERT_TRUE(host.pass());
  tree_.write("sys/class/net/eth0/operstate", "down\n");
  tree_.write("sys/class/net/eth0/speed", "100\n");
  ASSERT_TRUE(host.pass());
  const auto values = host.values();
  EXPECT_EQ(values.at(R"(node_network_up{device="eth0"})"), 0);
  EXPECT_EQ(values.at(R"(node_network_speed_bytes{device="eth0"})"), 12'500'000);
  EXPECT_THAT(host.page(), HasSubstr(R"(operstate="down")"));
  EXPECT_THAT(host.page(), testing::Not(HasSubstr(R"(operstate="up")")));
}

TEST_F(HostTree, ALinkThatBouncedBetweenTwoPassesIsReadAnew) {
  HostUnderTest host(config_);
  ASSERT_TRUE(host.pass());
  tree_.write("sys/class/net/eth0/carrier_changes", "4\n");
  tree_.write("sys/class/net/eth0/mtu", "9000\n");
  ASSERT_TRUE(host.pass());
  EXPECT_EQ(host.values().at(R"(node_network_mtu_bytes{device="eth0"})"), 9000);
}

TEST_F(HostTree, AnInterfaceThatIsSetDownIsReadAnewThoughItsCarrierIsTheSame) {
  HostUnderTest host(config_);
  ASSERT_TRUE(host.pass());
  tree_.write("sys/class/net/eth0/flags", "0x1002\n");
  tree_.remove("sys/class/net/eth0/carrier");  // the kernel answers EINVAL
  ASSERT_TRUE(host.pass());
  EXPECT_EQ(host.values().at(R"(node_network_flags{device="eth0"})"), 0x1002);
  EXPECT_EQ(host.values().count(R"(node_network_carrier{device="eth0"})"), 0u);
}

TEST_F(HostTree, OfAnInterfaceWhoseFilesAreNotKeptOpenTheTelltalesAreReadInEveryPassToo) {
  HostUnderTest host(config_);
  ASSERT_TRUE(host.pass());  // the interfaces of the tree come first and are kept
  for (const std::string number : {"1", "2", "3", "4", "5", "6", "7", "8"}) {
    tree_.write("sys/class/net/veth" + number + "/operstate", "up\n");
    tree_.write("sys/class/net/veth" + number + "/carrier_changes", "1\n");
    tree_.write("sys/class/net/veth" + number + "/carrier", "1\n");
  }
  ASSERT_TRUE(host.pass());
  for (const std::string number : {"1", "2", "3", "4", "5", "6", "7", "8"}) {
    tree_.write("sys/class/net/veth" + number + "/carrier_changes", "2\n");
    tree_.write("sys/class/net/veth" + number + "/carrier", "0\n");
  }
  ASSERT_TRUE(host.pass());
  const auto values = host.values();
  for (const std::string number : {"1", "2", "3", "4", "5", "6", "7", "8"}) {
    EXPECT_EQ(values.at("node_network_carrier_changes_total{device=\"veth" + number + "\"}"), 2) << number;
    EXPECT_EQ(values.at("node_network_carrier{device=\"veth" + number + "\"}"), 0) << number;
  }
}

TEST_F(HostTree, WhatTheMachineDoesNotHaveIsLookedForAgainEveryTenSeconds) {
  const std::string mdstat = read_text(tree_.path() / "proc/mdstat");
  tree_.remove("proc/mdstat");
  HostUnderTest host(config_);
  const auto found = [&] { return host.values().at(R"(node_scrape_collector_success{collector="mdadm"})"); };
  ASSERT_TRUE(host.pass());
  EXPECT_EQ(found(), 0);
  tree_.write("proc/mdstat", mdstat);
  for (int second = 1; second < 10; ++second) {
    ASSERT_TRUE(host.pass());
    EXPECT_EQ(found(), 0) << second;
  }
  ASSERT_TRUE(host.pass());
  EXPECT_EQ(found(), 1);
  tree_.remove("proc/mdstat");  // the kept file goes on; what is there is looked at in every pass
  ASSERT_TRUE(host.pass());
  EXPECT_EQ(found(), 1);
}

TEST_F(HostTree, APartThatFailsCostsOnlyItsOwnSeries) {
  tree_.remove("proc/meminfo");
  HostUnderTest host(config_);
  const auto outcome = host.pass();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->partial_errors, 1u);
  EXPECT_EQ(outcome->first_partial_error,
            "meminfo: " + tree_.path().string() + "/proc/meminfo: No such file or directory");
  const auto values = host.values();
  EXPECT_EQ(values.at(R"(node_scrape_collector_success{collector="meminfo"})"), 0);
  EXPECT_EQ(values.at(R"(node_scrape_collector_success{collector="cpu"})"), 1);
  EXPECT_EQ(values.at("node_load1"), 0.52);
}

TEST_F(HostTree, ALackingKernelFeatureIsNoError) {
  tree_.remove("proc/pressure");
  tree_.remove("proc/net/snmp6");
  tree_.remove("proc/net/sockstat6");
  tree_.remove("proc/sys/net/netfilter");
  HostUnderTest host(config_);
  const auto outcome = host.pass();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->partial_errors, 0u) << outcome->first_partial_error;
  const auto values = host.values();
  EXPECT_EQ(values.at(R"(node_scrape_collector_success{collector="pressure"})"), 0);
  EXPECT_EQ(values.at(R"(node_scrape_collector_success{collector="conntrack"})"), 0);
  EXPECT_EQ(values.at(R"(node_scrape_collector_success{collector="netstat"})"), 1);
}

TEST_F(HostTree, WithoutSysTheRestGoesOn) {
  tree_.remove("sys");
  HostUnderTest host(config_);
  const auto outcome = host.pass();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->partial_errors, 1u);
  EXPECT_THAT(outcome->first_partial_error, HasSubstr("netclass: "));
  EXPECT_EQ(host.values().at(R"(node_network_receive_bytes_total{device="eth0"})"), 12345678901.0);
}

TEST_F(HostTree, WithoutProcTheWholeFailsWithItsPathAndComesBack) {
  HostUnderTest host([&] {
    HostConfig config = config_;
    config.roots.procfs = (tree_.path() / "later").string();
    return config;
  }());
  const auto outcome = host.pass();
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().text(), HasSubstr(tree_.path().string() + "/later"));
  EXPECT_THAT(outcome.error().text(), HasSubstr("No such file or directory"));
  EXPECT_TRUE(host.values().empty());
  std::filesystem::rename(tree_.path() / "proc", tree_.path() / "later");
  EXPECT_TRUE(host.pass());
  EXPECT_EQ(host.values().at("node_load1"), 0.52);
}

TEST_F(HostTree, AnEmptyProcFailsAsAWhole) {
  tree_.remove("proc");
  tree_.write("proc/empty", "");
  const auto kinds = host_parts();
  std::vector<PartKind> parts;
  std::copy_if(kinds.begin(), kinds.end(), std::back_inserter(parts),
               [](const PartKind& kind) { return kind.name == "cpu" || kind.name == "meminfo"; });
  HostUnderTest host(config_, fixed_system(), parts);
  const auto outcome = host.pass();
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().text(), HasSubstr("nothing could be read, first cpu: "));
}

TEST_F(HostTree, DevicesAreChosenByRegex) {
  config_.disks.include = Regex::compile("^nvme").value();
  config_.interfaces.exclude = Regex::compile("^(lo|eth0:1)$").value();
  config_.mounts.exclude = Regex::compile("^/srv").value();
  config_.filesystem_types.exclude = Regex::compile("^tmpfs$").value();
  HostUnderTest host(config_);
  ASSERT_TRUE(host.pass());
  const auto values = host.values();
  EXPECT_EQ(values.count(R"(node_disk_io_now{device="nvme0n1"})"), 1u);
  EXPECT_EQ(values.count(R"(node_disk_io_now{device="sda"})"), 0u);
  EXPECT_EQ(values.count(R"(node_network_receive_bytes_total{device="eth0"})"), 1u);
  EXPECT_EQ(values.count(R"(node_network_receive_bytes_total{device="lo"})"), 0u);
  EXPECT_EQ(values.count(R"(node_network_up{device="lo"})"), 0u);
  EXPECT_THAT(host.page(), testing::Not(HasSubstr("/srv")));
  EXPECT_THAT(host.page(), testing::Not(HasSubstr("tmpfs")));
}

TEST_F(HostTree, APartThatIsOffIsNotRead) {
  config_.parts_off = {"meminfo"};
  tree_.remove("proc/meminfo");
  HostUnderTest host(config_);
  const auto outcome = host.pass();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->partial_errors, 0u) << outcome->first_partial_error;
  EXPECT_EQ(host.values().count(R"(node_scrape_collector_success{collector="meminfo"})"), 0u);
}

std::vector<std::string> asked_paths;

int remembering_statfs(const char* path, FilesystemUsage&) {
  asked_paths.emplace_back(path);
  return 0;
}

std::vector<std::string> paths_asked_by(std::span<const PartKind> kinds, const HostConfig& config) {
  asked_paths.clear();
  HostSystem system = fixed_system();
  system.statfs = remembering_statfs;
  HostUnderTest host(config, system, {kinds.begin(), kinds.end()});
  EXPECT_TRUE(host.pass());
  return asked_paths;
}

TEST_F(HostTree, WhatMayHangIsAskedByACollectorOfItsOwn) {
  const std::string root = (tree_.path() / "root").string();
  EXPECT_EQ(paths_asked_by(host_parts(), config_), std::vector<std::string>{});
  EXPECT_EQ(paths_asked_by(filesystem_parts(), config_),
            (std::vector{root + "/", root + "/srv/my data", root + "/run"}));
  EXPECT_EQ(paths_asked_by(remote_filesystem_parts(), config_),
            (std::vector{root + "/mnt/nas", root + "/mnt/ssh"}));
}

TEST_F(HostTree, MountPointsAreNamedAsTheHostNamesThem) {
  const std::string root = (tree_.path() / "root").string();
  tree_.write("proc/1/mounts", "/dev/sda1 " + root + " ext4 rw 0 0\n/dev/sdb1 " + root + "/data ext4 rw 0 0\n" +
                                   "/dev/sdc1 " + root + "er ext4 rw 0 0\n");
  EXPECT_EQ(paths_asked_by(filesystem_parts(), config_),
            (std::vector{root + "/", root + "/data", root + root + "er"}));
}

TEST_F(HostTree, AFilesystemThatCannotBeAskedIsAnErrorUnlessItIsOutOfSight) {
  tree_.write("proc/1/mounts",
              "/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /broken ext4 rw 0 0\n/dev/sdc1 /missing ext4 rw 0 0\n");
  HostUnderTest host(config_);
  const auto outcome = host.pass();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->partial_errors, 1u);
  EXPECT_EQ(outcome->first_partial_error, "filesystem: " + tree_.path().string() + "/root/broken: Input/output error");
  const auto values = host.values();
  const auto error = [&](const std::string& device, const std::string& mount) {
    const std::string labels = "device=\"" + device + "\",fstype=\"ext4\",mountpoint=\"" + mount + "\"";
    return values.at("node_filesystem_device_error{" + labels + "}");
  };
  EXPECT_EQ(error("/dev/sda1", "/"), 0);
  EXPECT_EQ(error("/dev/sdb1", "/broken"), 1);
  EXPECT_EQ(error("/dev/sdc1", "/missing"), 1);
}

TEST(HostParts, EachMetricIsListedOnceAndSaysWhatItIs) {
  std::set<std::string_view> names;
  for (const PartKind& kind : all_parts()) {
    if (kind.name == "filesystem_remote") continue;
    EXPECT_FALSE(kind.help.empty()) << kind.name;
    for (const Metric& metric : kind.metrics()) {
      EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
      EXPECT_TRUE(metric.name.starts_with("node_")) << metric.name;
      EXPECT_TRUE(metric.help.ends_with('.') || metric.help.ends_with("always 1.")) << metric.name;
      EXPECT_EQ(metric.type == MetricType::counter, metric.name.ends_with("_total")) << metric.name;
      if (metric.unit.empty()) continue;
      const std::string unit = "_" + std::string(metric.unit);
      EXPECT_TRUE(metric.name.ends_with(unit) || metric.name.ends_with(unit + "_total")) << metric.name;
    }
  }
  EXPECT_GT(names.size(), 90u);
}

TEST(HostFingerprint, DiffersWithEverySetting) {
  std::set<std::string> fingerprints;
  const auto with = [&](auto change) {
    HostConfig config;
    change(config);
    return fingerprints.insert(config.fingerprint()).second;
  };
  EXPECT_TRUE(with([](HostConfig&) {}));
  EXPECT_FALSE(with([](HostConfig&) {}));
  EXPECT_TRUE(with([](HostConfig& c) { c.interval = Duration(1000); }));
  EXPECT_TRUE(with([](HostConfig& c) { c.roots.procfs = "/host/proc"; }));
  EXPECT_TRUE(with([](HostConfig& c) { c.roots.rootfs = "/host"; }));
  EXPECT_TRUE(with([](HostConfig& c) { c.parts_off = {"cpu"}; }));
  EXPECT_TRUE(with([](HostConfig& c) { c.mounts.exclude = Regex::compile("x").value(); }));
  EXPECT_TRUE(with([](HostConfig& c) { c.mount_timeout = Duration(1000); }));
  EXPECT_TRUE(with([](HostConfig& c) { c.vmstat_fields = Regex::compile("x").value(); }));
}

TEST(HostConfigDefaults, AreThoseOfNodeExporter) {
  const HostConfig config;
  for (const auto* device : {"sda", "vda", "nvme0n1", "dm-0"}) EXPECT_TRUE(config.disks.passes(device)) << device;
  for (const auto* device : {"sda1", "loop0", "ram1", "nvme0n1p2", "fd0"}) {
    EXPECT_FALSE(config.disks.passes(device)) << device;
  }
  EXPECT_TRUE(config.interfaces.passes("lo"));
  for (const auto* mount : {"/", "/mnt/data", "/home", "/run"}) EXPECT_TRUE(config.mounts.passes(mount)) << mount;
  for (const auto* mount : {"/proc", "/sys/fs/cgroup", "/dev/shm"}) EXPECT_FALSE(config.mounts.passes(mount)) << mount;
  EXPECT_TRUE(config.filesystem_types.passes("ext4"));
  EXPECT_FALSE(config.filesystem_types.passes("overlay"));
}

}  // namespace
}  // namespace sidewatch
