// The `host` key: what it declares, what it plans, what it refuses and in which words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "collectors/host/host.h"
#include "collectors/table.h"
#include "tests/collectors/read_plans.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

ReadPlans read(const std::string& yaml) { return read_plans(configure_host, yaml); }

std::vector<std::string> names(const std::vector<CollectorPlan>& plans) {
  std::vector<std::string> result;
  for (const CollectorPlan& plan : plans) result.push_back(plan.name);
  return result;
}

TEST(HostConfiguration, OneKeyPlansThreeCollectorsSoThatAHungFilesystemStopsNothingElse) {
  const ReadPlans reading = read("host: {}\n");
  EXPECT_EQ(reading.problems, "");
  EXPECT_EQ(names(reading.plans), (std::vector<std::string>{"host", "host:filesystem", "host:filesystem:remote"}));
  EXPECT_EQ(reading.plans.at(0).interval, std::nullopt);
  EXPECT_EQ(reading.plans.at(0).watches, "CPU, memory, load, disks and network of this host");
}

TEST(HostConfiguration, WithoutTheKeyNothingIsPlanned) { EXPECT_TRUE(read("{}\n").plans.empty()); }

TEST(HostConfiguration, APlannedCollectorCollects) {
  const ReadPlans reading = read("host: {parts: {netclass: false}}\n");
  Catalog catalog({}, {});
  for (const CollectorPlan& plan : reading.plans) {
    const auto collector = plan.make({.catalog = catalog, .version = "1"});
    Batch batch;
    EXPECT_TRUE(collector->collect(batch, time_at_ms(1000))) << plan.name;
    EXPECT_GE(batch.size(), 2u) << plan.name;
  }
}

TEST(HostConfiguration, DirectoriesOfFilesAreAbsolute) {
  EXPECT_THAT(read("host: {textfile: {directories: [/ok, spool]}}\n").problems,
              HasSubstr("'spool' is not an absolute path"));
}

TEST(HostConfiguration, EverySettingReachesThePlan) {
  const std::string base = read("host: {}\n").plans.at(0).fingerprint;
  for (const auto* setting : {
           "interval: 2s", "roots: {procfs: /host/proc}", "roots: {sysfs: /host/sys}", "roots: {rootfs: /host}",
           "parts: {cpu: false}", "disks: {include: sda}", "disks: {exclude: sda}", "interfaces: {include: eth}",
           "interfaces: {exclude: eth}", "filesystems: {mounts: {include: /srv}}",
           "filesystems: {types: {exclude: tmpfs}}", "filesystems: {mount_timeout: 5s}", "vmstat: {fields: pg}",
           "netstat: {fields: Tcp}", "roots: {udev: /host/udev}", "cpu: {info: true}", "cpu: {flags: aes}",
           "cpu: {bugs: mds}", "cpu: {guest: false}", "textfile: {directories: [/var/lib/metrics]}",
           "arp: {include: eth}", "arp: {exclude: eth}", "netclass: {include: eth}", "netclass: {exclude: eth}",
           "netclass: {ignore_invalid_speed: true}", "netdev: {include: eth}", "netdev: {exclude: eth}",
           "netdev: {address_info: true}", "hwmon: {chips: {include: core}}", "hwmon: {chips: {exclude: core}}",
           "hwmon: {sensors: {include: temp1}}", "hwmon: {sensors: {exclude: temp1}}",
           "power_supplies: {include: BAT}", "power_supplies: {exclude: BAT}", "tapes: {include: st0}",
           "tapes: {exclude: st0}", "rapl: {zone_label: true}", "stat: {softirqs: true}",
           "bcache: {priority_stats: true}", "ipvs: {backend_labels: [proto]}", "ipvs: {backend_labels: []}"}) {
    const ReadPlans reading = read("host: {" + std::string(setting) + "}\n");
    EXPECT_EQ(reading.problems, "") << setting;
    ASSERT_FALSE(reading.plans.empty()) << setting;
    EXPECT_NE(reading.plans.at(0).fingerprint, base) << setting;
    EXPECT_EQ(read("host: {" + std::string(setting) + "}\n").plans.at(0).fingerprint, reading.plans.at(0).fingerprint);
  }
  EXPECT_EQ(read("host: {interval: 2s}\n").plans.at(1).interval, Duration(2s));
  EXPECT_THAT(read("host: {roots: {procfs: /host/proc}}\n").plans.at(0).watches, HasSubstr("/host/proc"));
}

TEST(HostConfiguration, AFilesystemPartThatIsOffHasNoCollector) {
  EXPECT_EQ(names(read("host: {parts: {filesystem: false, filesystem_remote: false}}\n").plans),
            std::vector<std::string>{"host"});
}

TEST(HostConfiguration, MistakesAreSaidWithTheirPlace) {
  const std::string problems = read(R"(host:
  roots: {procfs: proc}
  parts: {cpuu: false}
  disks: {exclude: "("}
  interval: 1ms
)").problems;
  EXPECT_THAT(problems, HasSubstr("f:2:19: 'proc' is not an absolute path"));
  EXPECT_THAT(problems, HasSubstr("f:3:11: "));
  EXPECT_THAT(problems, HasSubstr("'cpu'"));
  EXPECT_THAT(problems, HasSubstr("f:4:"));
  EXPECT_THAT(problems, HasSubstr("f:5:13: "));
}

TEST(HostConfiguration, ALabelThatNoBackendHasIsNamedBesideThoseThatThereAre) {
  EXPECT_THAT(read("host: {ipvs: {backend_labels: [proto, port]}}\n").problems,
              HasSubstr("'port' is not a label of a backend; there are local_address, local_port, remote_address, "
                        "remote_port, proto, local_mark"));
}

TEST(HostConfiguration, ToAskForFeaturesOrFlawsIsToAskForTheProcessorsKind) {
  const auto info_of = [](const std::string& cpu) {
    return read("host: {cpu: {" + cpu + "}}\n").plans.at(0).fingerprint;
  };
  EXPECT_EQ(info_of("flags: aes"), info_of("flags: aes, info: true"));
  EXPECT_EQ(info_of("bugs: mds"), info_of("bugs: mds, info: true"));
  EXPECT_NE(info_of("flags: aes"), info_of("flags: aes, info: false"));
}

TEST(HostConfiguration, StandsInTheTableOfCollectors) {
  const auto kinds = collector_kinds();
  EXPECT_TRUE(std::any_of(kinds.begin(), kinds.end(), [](const CollectorKind& kind) { return kind.key == "host"; }));
}

}  // namespace
}  // namespace sidewatch
