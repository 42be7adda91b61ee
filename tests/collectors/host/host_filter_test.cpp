// What is left out and what is told besides on request: each key of the configuration that chooses, over the trees of
// the cases.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "host_under_test.h"

namespace sidewatch {
namespace {

using testing::IsEmpty;
using testing::UnorderedElementsAre;

NameFilter only(const std::string& pattern) {
  NameFilter filter;
  filter.include = Regex::compile(pattern).value();
  return filter;
}

NameFilter all_but(const std::string& pattern) {
  NameFilter filter;
  filter.exclude = Regex::compile(pattern).value();
  return filter;
}

// The series of the family after one pass, without the family's name.
std::vector<std::string> series_of(HostUnderTest& host, const std::string& family) {
  EXPECT_TRUE(host.pass());
  std::vector<std::string> series;
  for (const auto& [name, value] : host.values()) {
    if (name == family || name.starts_with(family + "{")) series.push_back(name.substr(family.size()));
  }
  return series;
}

class HostFilter : public testing::Test {
 protected:
  std::vector<std::string> series(const std::string& family) {
    HostUnderTest host(config_);
    return series_of(host, family);
  }
  double value(const std::string& series) {
    HostUnderTest host(config_);
    EXPECT_TRUE(host.pass());
    const auto values = host.values();
    EXPECT_TRUE(values.contains(series)) << series;
    return values.contains(series) ? values.at(series) : -1;
  }

  TemporaryTree tree_{host_cases() / "linux-6.1"};
  HostConfig config_ = config_for(tree_.path());
};

class HostHardwareFilter : public HostFilter {
 protected:
  HostHardwareFilter() { config_ = config_for(host_cases() / "server-hardware"); }
};

TEST(HostNameFilter, AnEmptyExpressionLeavesNothingOut) {
  EXPECT_TRUE(all_but("").passes("sda"));
  EXPECT_TRUE(only("").passes("sda"));
  EXPECT_FALSE(all_but("sd").passes("sda"));
  EXPECT_FALSE(only("nvme").passes("sda"));
}

TEST_F(HostFilter, EachPartOfTheNetworkMayLeaveOutMoreThanTheOthers) {
  config_.arp = all_but("docker");
  config_.netclass.interfaces = only("^lo$");
  config_.netdev.interfaces = only("^eth0$");
  EXPECT_THAT(series("node_arp_entries"), UnorderedElementsAre(R"({device="eth0"})"));
  EXPECT_THAT(series("node_network_up"), UnorderedElementsAre(R"({device="lo"})"));
  EXPECT_THAT(series("node_network_receive_bytes_total"), UnorderedElementsAre(R"({device="eth0"})"));
}

TEST_F(HostFilter, WhatAllInterfacesLeaveOutNoPartBringsBack) {
  config_.interfaces = all_but("eth");
  config_.arp = only("eth0");
  config_.netdev.interfaces = only("eth0");
  EXPECT_THAT(series("node_arp_entries"), IsEmpty());
  EXPECT_THAT(series("node_network_receive_bytes_total"), IsEmpty());
}

TEST_F(HostFilter, AnInterfaceThatDoesNotKnowItsSpeedNeedNotSayMinusOne) {
  EXPECT_EQ(value(R"(node_network_speed_bytes{device="lo"})"), -125'000);
  config_.netclass.ignore_invalid_speed = true;
  EXPECT_THAT(series("node_network_speed_bytes"), UnorderedElementsAre(R"({device="eth0"})"));
}

TEST_F(HostFilter, AddressesAreToldOnRequestOfTheInterfacesThatAreSampled) {
  EXPECT_THAT(series("node_network_address_info"), IsEmpty());
  config_.netdev.address_info = true;
  config_.interfaces = all_but("^lo$");
  EXPECT_THAT(series("node_network_address_info"),
              UnorderedElementsAre(R"({address="10.0.0.7",device="eth0",netmask="24",scope="global"})",
                                   R"({address="fe80::1",device="eth0",netmask="64",scope="link-local"})"));
}

TEST_F(HostFilter, TheRealAddressesOfThisMachineIncludeTheLoopbackOnes) {
  std::vector<InterfaceAddress> addresses;
  ASSERT_EQ(HostSystem::real().addresses(addresses), 0);
  const auto loopback = std::find_if(addresses.begin(), addresses.end(),
                                     [](const InterfaceAddress& address) { return address.address == "127.0.0.1"; });
  ASSERT_NE(loopback, addresses.end());
  EXPECT_EQ(loopback->interface, "lo");
  EXPECT_EQ(loopback->prefix_bits, 8u);
  EXPECT_EQ(loopback->scope, "link-local");
}

TEST_F(HostFilter, TimeInGuestsCanBeLeftOut) {
  EXPECT_THAT(series("node_cpu_guest_seconds_total"), testing::Not(IsEmpty()));
  const auto all = series("node_cpu_seconds_total");
  config_.cpu.guest = false;
  EXPECT_THAT(series("node_cpu_guest_seconds_total"), IsEmpty());
  EXPECT_EQ(series("node_cpu_seconds_total"), all);
}

TEST_F(HostFilter, SoftInterruptsAreToldOnRequestByVector) {
  EXPECT_THAT(series("node_softirqs_total"), IsEmpty());
  config_.softirqs = true;
  tree_.write("proc/stat", "cpu0 1 1 1 1 0 0 0 0 0 0\nsoftirq 55 1 2 3 4 5 6 7 8 9 10\n");
  EXPECT_EQ(series("node_softirqs_total").size(), 10u);
  EXPECT_EQ(value(R"(node_softirqs_total{vector="hi"})"), 1);
  EXPECT_EQ(value(R"(node_softirqs_total{vector="net_rx"})"), 4);
  EXPECT_EQ(value(R"(node_softirqs_total{vector="rcu"})"), 10);
}

TEST_F(HostHardwareFilter, ChipsAndSensorsCanBeLeftOut) {
  config_.hwmon.sensors = all_but("platform_coretemp_0;temp1");
  EXPECT_THAT(series("node_hwmon_temp_celsius"),
              UnorderedElementsAre(R"({chip="platform_coretemp_0",sensor="temp2"})"));
  EXPECT_GT(series("node_hwmon_chip_names").size(), 1u);
  config_.hwmon.chips = only("coretemp");
  EXPECT_THAT(series("node_hwmon_chip_names"),
              UnorderedElementsAre(R"({chip="platform_coretemp_0",chip_name="coretemp"})"));
}

TEST_F(HostHardwareFilter, PowerSuppliesAndTapeDrivesCanBeLeftOut) {
  EXPECT_EQ(series("node_power_supply_info").size(), 2u);
  config_.power_supplies = all_but("^AC$");
  config_.tapes = all_but("^st0$");
  EXPECT_THAT(series("node_power_supply_online"), IsEmpty());
  EXPECT_EQ(series("node_power_supply_info").size(), 1u);
  EXPECT_THAT(series("node_tape_io_now"), IsEmpty());
}

TEST_F(HostHardwareFilter, TheZoneOfEnergyCanBeALabel) {
  config_.rapl_zone_label = true;
  EXPECT_THAT(series("node_rapl_joules_total"),
              UnorderedElementsAre(R"({index="0",path="/sys/class/powercap/intel-rapl:0",rapl_zone="package"})",
                                   R"({index="0",path="/sys/class/powercap/intel-rapl:0:0",rapl_zone="core"})"));
  EXPECT_THAT(series("node_rapl_package_joules_total"), IsEmpty());
}

TEST_F(HostHardwareFilter, BackendsThatAreAlikeInTheChosenLabelsAreAddedUp) {
  config_.ipvs_backend_labels = {"proto"};
  EXPECT_THAT(series("node_ipvs_backend_weight"), UnorderedElementsAre(R"({proto="TCP"})", R"({proto="FWM"})"));
  EXPECT_EQ(value(R"(node_ipvs_backend_weight{proto="TCP"})"), 100 + 100 + 1);
  EXPECT_EQ(value(R"(node_ipvs_backend_connections_active{proto="TCP"})"), 248 + 248 + 5);
  config_.ipvs_backend_labels = {};
  EXPECT_EQ(value("node_ipvs_backend_connections_inactive"), 2 + 1 + 6 + 1);
}

TEST_F(HostFilter, OfSeveralBackendsInOneSumTheOneThatGoesTakesOnlyItsPart) {
  tree_.write("proc/net/ip_vs_stats", "a\nb\n 1 2 3 4 5\n");
  const std::string head = "IP Virtual Server\nProt\n  -> RemoteAddress:Port\nTCP  0A000001:0050 rr\n";
  const std::string first = "  -> 0A000002:0050 Route 1 10 20\n";
  tree_.write("proc/net/ip_vs", head + first + "  -> 0A000003:0050 Route 2 30 40\n");
  config_.ipvs_backend_labels = {"local_port"};
  HostUnderTest host(config_);
  ASSERT_TRUE(host.pass());
  EXPECT_EQ(host.values().at(R"(node_ipvs_backend_weight{local_port="80"})"), 3);
  tree_.write("proc/net/ip_vs", head + first);
  ASSERT_TRUE(host.pass());
  EXPECT_EQ(host.values().at(R"(node_ipvs_backend_weight{local_port="80"})"), 1);
  tree_.write("proc/net/ip_vs", head);
  ASSERT_TRUE(host.pass());
  EXPECT_FALSE(host.values().contains(R"(node_ipvs_backend_weight{local_port="80"})"));
}

}  // namespace
}  // namespace sidewatch
