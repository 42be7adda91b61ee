// Devices that come, go and change while they are being sampled, and what is told of processors on request.
#include <gtest/gtest.h>

#include "collectors/host/device_tree.h"
#include "host_under_test.h"

namespace sidewatch {
namespace {

constexpr int kPassesUntilANewLook = 16;

class HostDevices : public testing::Test {
 protected:
  HostDevices() { tree_.write("proc/stat", "cpu0 1 1 1 1 0 0 0 0 0 0\n"); }

  // What a host gives after `passes` more passes.
  std::map<std::string, double> after(int passes) {
    if (!host_) {
      std::vector<PartKind> parts = hardware_parts();
      std::erase_if(parts, [](const PartKind& kind) { return kind.name == "diskstats"; });
      host_.emplace(config_, fixed_system(), parts);
    }
    for (int i = 0; i < passes; ++i) {
      const auto outcome = host_->pass();
      EXPECT_TRUE(outcome) << outcome.error().text();
      EXPECT_EQ(outcome->partial_errors, 0u) << outcome->first_partial_error;
    }
    return host_->values();
  }

  void write_sensor(const std::string& chip, const std::string& name, const std::string& temperature) {
    tree_.write("sys/class/hwmon/" + chip + "/name", name + "\n");
    tree_.write("sys/class/hwmon/" + chip + "/temp1_input", temperature + "\n");
  }

  TemporaryTree tree_;
  HostConfig config_ = config_for(tree_.path());
  std::optional<HostUnderTest> host_;
};

TEST_F(HostDevices, AreFoundWhenTheyComeAndForgottenWhenTheyGo) {
  write_sensor("hwmon0", "first", "40000");
  EXPECT_EQ(after(1).at("node_hwmon_temp_celsius{chip=\"first\",sensor=\"temp1\"}"), 40);
  write_sensor("hwmon1", "second", "50000");
  EXPECT_EQ(after(kPassesUntilANewLook).at("node_hwmon_temp_celsius{chip=\"second\",sensor=\"temp1\"}"), 50);
  tree_.remove("sys/class/hwmon/hwmon0");
  const auto values = after(kPassesUntilANewLook);
  EXPECT_FALSE(values.contains("node_hwmon_temp_celsius{chip=\"first\",sensor=\"temp1\"}"));
  EXPECT_EQ(values.at("node_hwmon_temp_celsius{chip=\"second\",sensor=\"temp1\"}"), 50);
}

TEST_F(HostDevices, AreReadInEveryPass) {
  write_sensor("hwmon0", "first", "40000");
  after(1);
  write_sensor("hwmon0", "first", "41000");
  EXPECT_EQ(after(1).at("node_hwmon_temp_celsius{chip=\"first\",sensor=\"temp1\"}"), 41);
}

TEST_F(HostDevices, GetNewLabelsWhenTheirStateChanges) {
  tree_.write("sys/class/nvme/nvme0/model", "A\n");
  tree_.write("sys/class/nvme/nvme0/state", "live\n");
  EXPECT_TRUE(after(1).contains("node_nvme_info{device=\"nvme0\",model=\"A\",state=\"live\"}"));
  tree_.write("sys/class/nvme/nvme0/state", "dead\n");
  const auto values = after(kPassesUntilANewLook);
  EXPECT_TRUE(values.contains("node_nvme_info{device=\"nvme0\",model=\"A\",state=\"dead\"}"));
  EXPECT_FALSE(values.contains("node_nvme_info{device=\"nvme0\",model=\"A\",state=\"live\"}"));
}

TEST_F(HostDevices, OfManyAreAllReadThoughNotAllFilesStayOpen) {
  for (int i = 0; i < 100; ++i) write_sensor("hwmon" + std::to_string(i), "c" + std::to_string(i), "20000");
  std::size_t sensors = 0;
  for (const auto& [series, value] : after(2)) sensors += series.starts_with("node_hwmon_temp_celsius") ? 1 : 0;
  EXPECT_EQ(sensors, 100u);
}

TEST_F(HostDevices, AreNotThereOnAMachineWithoutThem) {
  const auto values = after(2);
  EXPECT_EQ(values.at("node_scrape_collector_success{collector=\"hwmon\"}"), 0);
  EXPECT_EQ(values.at("node_scrape_collector_success{collector=\"cpufreq\"}"), 1);
}

TEST_F(HostDevices, OfTheProcessorAreToldOnRequest) {
  tree_.write("proc/cpuinfo",
              "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 142\nmodel name\t: Core i7\n"
              "stepping\t: 10\nmicrocode\t: 0xb4\ncpu MHz\t\t: 799.998\ncache size\t: 8192 KB\nphysical id\t: 0\n"
              "core id\t\t: 0\nflags\t\t: fpu aes avx avx2\nbugs\t\t: spectre_v1 mds\n\n");
  EXPECT_FALSE(after(1).contains("node_cpu_flag_info{flag=\"aes\"}"));
  config_.cpu.info = true;
  config_.cpu.flags = Regex::compile("^(aes|avx.?)$").value();
  config_.cpu.bugs = Regex::compile("^mds$").value();
  host_.reset();
  const auto values = after(2);
  EXPECT_EQ(values.at("node_cpu_info{cachesize=\"8192 KB\",core=\"0\",cpu=\"0\",family=\"6\",microcode=\"0xb4\","
                      "model=\"142\",model_name=\"Core i7\",package=\"0\",stepping=\"10\",vendor=\"GenuineIntel\"}"),
            1);
  for (const char* flag : {"aes", "avx", "avx2"}) {
    EXPECT_TRUE(values.contains("node_cpu_flag_info{flag=\"" + std::string(flag) + "\"}")) << flag;
  }
  EXPECT_FALSE(values.contains("node_cpu_flag_info{flag=\"fpu\"}"));
  EXPECT_TRUE(values.contains("node_cpu_bug_info{bug=\"mds\"}"));
}

TEST(LeadingNumber, IsReadInEveryFormOfTheKernel) {
  EXPECT_EQ(parse_leading_number("-5"), -5);
  EXPECT_EQ(parse_leading_number("0x1f"), 31);
  EXPECT_EQ(parse_leading_number("4: ACTIVE"), 4);
  EXPECT_EQ(parse_leading_number("56 Gb/sec (4X FDR)"), 56);
  EXPECT_EQ(parse_leading_number("N/A (no PMA)"), std::nullopt);
  EXPECT_EQ(parse_leading_number(""), std::nullopt);
}

}  // namespace
}  // namespace sidewatch
