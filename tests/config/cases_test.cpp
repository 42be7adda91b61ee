// Every broken configuration in tests/cases/config gives exactly the lines that stand beside it.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/config/sample.h"

namespace sidewatch::config {
namespace {

const std::filesystem::path cases = std::filesystem::path(SIDEWATCH_SOURCE_DIR) / "tests/cases/config";

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(cases)) {
    if (file.path().extension() == ".yaml") names.push_back(file.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// What is wrong with the case, with file names relative to the folder of cases.
std::string problems_of(const std::string& name) {
  Problems problems;
  auto document = Document::load((cases / (name + ".yaml")).string(), sample_environment(), problems);
  Sample sample;
  document.read(sample);
  std::string text = problems.text();
  const std::string folder = cases.string() + "/";
  for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder, at)) text.erase(at, folder.size());
  return text;
}

class BrokenConfig : public testing::TestWithParam<std::string> {};

TEST_P(BrokenConfig, IsReportedExactly) {
  const std::string expected = content(cases / (GetParam() + ".expected"));
  EXPECT_NE(expected, "");
  EXPECT_EQ(problems_of(GetParam()), expected);
}

TEST_P(BrokenConfig, NeverShowsWhatAVariableHolds) {
  EXPECT_EQ(problems_of(GetParam()).find("canary"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Cases, BrokenConfig, testing::ValuesIn(case_names()), [](const auto& instance) {
  std::string name = instance.param;
  std::replace_if(name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
  return name;
});

TEST(BrokenConfigs, AreManyAndNoneIsForgotten) {
  EXPECT_GE(case_names().size(), 30u);
  for (const auto& file : std::filesystem::directory_iterator(cases)) {
    if (file.path().extension() != ".expected") continue;
    EXPECT_TRUE(std::filesystem::exists(cases / (file.path().stem().string() + ".yaml"))) << file.path();
  }
}

}  // namespace
}  // namespace sidewatch::config
