// Every folder of tests/cases/host is a host as files (proc, sys, root) and the page that it must give (expected.prom).
// SIDEWATCH_WRITE_CASES=1 writes the pages anew, to be read before they are committed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "host_under_test.h"

namespace sidewatch {
namespace {

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(host_cases())) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class HostCase : public testing::TestWithParam<std::string> {};

TEST_P(HostCase, GivesTheExpectedPage) {
  const auto directory = host_cases() / GetParam();
  HostUnderTest host(config_for(directory));
  const auto outcome = host.pass();
  ASSERT_TRUE(outcome) << outcome.error().text();
  const std::string page = host.page();
  const auto expected = directory / "expected.prom";
  if (std::getenv("SIDEWATCH_WRITE_CASES") != nullptr) std::ofstream(expected, std::ios::binary) << page;
  EXPECT_EQ(page, read_text(expected));
}

TEST_P(HostCase, GivesTheSamePageInTheNextPass) {
  HostUnderTest host(config_for(host_cases() / GetParam()));
  ASSERT_TRUE(host.pass());
  const std::string page = host.page();
  ASSERT_TRUE(host.pass());
  EXPECT_EQ(host.page(), page);
}

std::string test_name(const testing::TestParamInfo<std::string>& test) {
  std::string name = test.param;
  std::replace_if(name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Cases, HostCase, testing::ValuesIn(case_names()), test_name);

}  // namespace
}  // namespace sidewatch
