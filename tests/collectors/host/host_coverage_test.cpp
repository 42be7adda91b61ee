// Nothing of node_exporter is forgotten: every family that it serves by default is among our metrics, every flag of it
// has a line in docs/host.md, and every key that stands there is one of ours.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "host_under_test.h"

namespace sidewatch {
namespace {

using testing::HasSubstr;

std::filesystem::path source_directory() { return host_cases().parent_path().parent_path().parent_path(); }

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && !line.starts_with('#')) lines.push_back(line);
  }
  EXPECT_FALSE(lines.empty()) << path;
  return lines;
}

// Whether a metric's name is `name`; a '*' in it stands for what the kernel calls it.
bool covers(const std::string& metric, const std::string& name) {
  const auto star = metric.find('*');
  if (star == std::string::npos) return metric == name;
  return name.size() >= metric.size() && name.starts_with(metric.substr(0, star)) &&
         name.ends_with(metric.substr(star + 1));
}

TEST(HostCoverage, EveryFamilyThatNodeExporterServesByDefaultIsAmongTheMetrics) {
  std::vector<std::string> metrics;
  for (const MetricGroup& group : host_metric_groups()) {
    for (const Metric& metric : group.metrics) metrics.emplace_back(metric.name);
  }
  for (const std::string& family : lines_of(host_cases() / "../host_node_exporter/families.txt")) {
    const bool covered = std::any_of(metrics.begin(), metrics.end(),
                                     [&](const std::string& metric) { return covers(metric, family); });
    EXPECT_TRUE(covered) << family;
  }
}

TEST(HostCoverage, EveryFlagOfNodeExporterHasItsLineInTheDocumentation) {
  const std::string page = read_text(source_directory() / "docs/host.md");
  for (const std::string& flag : lines_of(host_cases() / "../host_node_exporter/flags.txt")) {
    EXPECT_THAT(page, HasSubstr("`--" + flag + "`"));
  }
}

// The texts between backticks.
std::vector<std::string> in_backticks(const std::string& line) {
  std::vector<std::string> texts;
  for (auto start = line.find('`'); start != std::string::npos; start = line.find('`', start)) {
    const auto end = line.find('`', start + 1);
    if (end == std::string::npos) break;
    texts.push_back(line.substr(start + 1, end - start - 1));
    start = end + 1;
  }
  return texts;
}

// Every key under `host`, as docs/configuration.md has it: "disks.include".
std::set<std::string> documented_keys() {
  const std::string prefix = "## `collectors.host";
  std::set<std::string> keys;
  std::string section;
  std::ifstream file(source_directory() / "docs/configuration.md");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) section = line.starts_with(prefix) ? line.substr(prefix.size()) : "-";
    const auto texts = in_backticks(line);
    if (line.starts_with("| `") && section.starts_with('.')) {
      keys.insert(section.substr(1, section.find('`') - 1) + "." + texts.at(0));
    }
  }
  return keys;
}

TEST(HostCoverage, EveryKeyInThatTableIsOneOfOurs) {
  const auto keys = documented_keys();
  ASSERT_GT(keys.size(), 50u);
  std::size_t seen = 0;
  for (const std::string& line : lines_of(source_directory() / "docs/host.md")) {
    if (!line.starts_with("| `--")) continue;
    const auto cell = line.substr(line.find(" | "));
    for (const std::string& key : in_backticks(cell)) {
      const bool is_key = key.find('.') != std::string::npos && key.find_first_of(" :{") == std::string::npos;
      if (!is_key || key == "parts.NAME") continue;
      EXPECT_TRUE(keys.contains(key)) << key;
      ++seen;
    }
  }
  EXPECT_GT(seen, 30u);
}

}  // namespace
}  // namespace sidewatch
