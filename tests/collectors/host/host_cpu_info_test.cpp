// Every folder of tests/cases/host_cpu_info is /proc/cpuinfo as an architecture writes it, and the series that it must
// give (expected.prom). SIDEWATCH_WRITE_CASES=1 writes them anew, to be read before they are committed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "collectors/host/cpu_info.h"
#include "host_under_test.h"

namespace sidewatch {
namespace {

std::filesystem::path cases() { return host_cases().parent_path() / "host_cpu_info"; }

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(cases())) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

// The lines of the families that tell what a processor is.
std::string series_of(const std::string& cpuinfo) {
  TemporaryTree tree;
  tree.write("proc/stat", "cpu0 1 1 1 1 0 0 0 0 0 0\n");
  tree.write("proc/cpuinfo", cpuinfo);
  HostConfig config = config_for(tree.path());
  config.cpu.info = true;
  config.cpu.flags = Regex::compile("^(a.*|zarch|vfp|only.*)$").value();
  config.cpu.bugs = Regex::compile("spectre").value();
  HostUnderTest host(config);
  EXPECT_TRUE(host.pass());
  std::string series;
  std::istringstream page(host.page());
  for (std::string line; std::getline(page, line);) {
    for (const auto* family : {"node_cpu_info{", "node_cpu_flag_info{", "node_cpu_bug_info{"}) {
      if (line.starts_with(family)) series += line + "\n";
    }
  }
  return series;
}

class HostCpuInfo : public testing::TestWithParam<std::string> {};

TEST_P(HostCpuInfo, TellsOfEachCoreWhatTheArchitectureSays) {
  const std::string series = series_of(read_text(cases() / GetParam() / "cpuinfo"));
  const auto expected = cases() / GetParam() / "expected.prom";
  if (std::getenv("SIDEWATCH_WRITE_CASES") != nullptr) std::ofstream(expected, std::ios::binary) << series;
  EXPECT_EQ(series, read_text(expected));
  EXPECT_NE(series, "");
}

// Whatever is cut off, no core is described as something that it is not.
TEST_P(HostCpuInfo, OfATextThatIsCutShortNothingIsToldThatTheWholeDoesNotTell) {
  const std::string text = read_text(cases() / GetParam() / "cpuinfo");
  const CpuDescription whole = parse_cpu_info(text);
  for (std::size_t length = 0; length < text.size(); ++length) {
    const std::string part = text.substr(0, length);
    const CpuDescription description = parse_cpu_info(part);
    ASSERT_LE(description.cores.size(), whole.cores.size()) << part;
    for (std::size_t core = 0; core < description.cores.size(); ++core) {
      for (std::size_t label = 0; label < kCpuInfoLabels.size(); ++label) {
        const auto value = description.cores[core][label];
        EXPECT_TRUE(value.empty() || value == whole.cores[core][label]) << kCpuInfoLabels[label] << " in\n" << part;
      }
    }
  }
}

std::string test_name(const testing::TestParamInfo<std::string>& test) {
  std::string name = test.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Architectures, HostCpuInfo, testing::ValuesIn(case_names()), test_name);

}  // namespace
}  // namespace sidewatch
