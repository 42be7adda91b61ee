// A file cut short at any byte may cost its samples; it never crashes and never gives a wrong number.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "host_under_test.h"

namespace sidewatch {
namespace {

// Sums over the lines of a file: they shrink with the lines and are checked not to exceed the whole. A bond without
// members has an empty file, which so cannot be told from a torn one.
bool is_sum(const std::string& series) {
  return series.starts_with("node_bonding_") || series.starts_with("node_nf_conntrack_stat_") || series.starts_with("node_arp_entries") ||
         series.starts_with("node_udp_queues");
}
// Says of a part whether it could be read, and of a text what it was.
bool tells_of_the_reading(const std::string& series) {
  const std::string family = series.substr(0, series.find('{'));
  return family.starts_with("node_scrape_collector_") || family.ends_with("_info") || family.starts_with("node_os_") ||
         family == "node_selinux_enabled" || family == "node_hwmon_chip_names" || family == "node_hwmon_sensor_label" ||
         family == "node_cpu_scaling_governor" || family == "node_textfile_scrape_error";
}

void expect_no_wrong_number(const std::map<std::string, double>& torn, const std::map<std::string, double>& whole,
                            const std::string& what) {
  for (const auto& [series, value] : torn) {
    if (tells_of_the_reading(series)) continue;
    const auto found = whole.find(series);
    ASSERT_NE(found, whole.end()) << series << " with " << what;
    if (is_sum(series)) {
      ASSERT_LE(value, found->second) << series << " with " << what;
    } else {
      ASSERT_EQ(value, found->second) << series << " with " << what;
    }
  }
}

class HostTornFile : public testing::TestWithParam<const char*> {};

TEST_P(HostTornFile, NeverCrashesAndNeverGivesAWrongNumber) {
  const TemporaryTree tree(host_cases() / GetParam());
  const HostConfig config = config_for(tree.path());
  const bool hardware = GetParam() == std::string("server-hardware");
  const auto parts = hardware ? hardware_parts() : all_parts();
  HostUnderTest intact(config, fixed_system(), parts);
  ASSERT_TRUE(intact.pass());
  const auto whole = intact.values();
  std::size_t readings = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(tree.path())) {
    if (!entry.is_regular_file() || entry.path().filename() == "expected.prom") continue;
    const std::string text = read_text(entry.path());
    const bool read_in_every_pass = entry.path().string().starts_with(config.roots.procfs);
    std::optional<HostUnderTest> torn;
    for (std::size_t length = 0; length < text.size(); ++length, ++readings) {
      std::ofstream(entry.path(), std::ios::binary) << text.substr(0, length);
      if (!torn || !read_in_every_pass) torn.emplace(config, fixed_system(), parts);
      const auto outcome = torn->pass(std::chrono::seconds(10));  // so that what seemed absent is looked for again
      ASSERT_TRUE(outcome) << outcome.error().text();
      expect_no_wrong_number(torn->values(), whole, entry.path().string() + " cut at " + std::to_string(length));
    }
    std::ofstream(entry.path(), std::ios::binary) << text;
  }
  EXPECT_GT(readings, 1000u);
}

INSTANTIATE_TEST_SUITE_P(Cases, HostTornFile, testing::Values("linux-6.1", "server-hardware"),
                         [](const auto& test) { return std::string(test.param).substr(0, 5); });

}  // namespace
}  // namespace sidewatch
