// Every folder of tests/cases/container: a configuration, a procfs and cgroups, and the exact page that one pass gives,
// with the errors that it counts. With SIDEWATCH_WRITE_EXPECTED set in the environment both are written anew instead,
// to be looked at in a diff.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "tests/collectors/container/container_under_test.h"

namespace sidewatch::container {
namespace {

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(container_cases())) {
    names.push_back(entry.path().filename());
  }
  return names;
}

class ContainerCase : public testing::TestWithParam<std::string> {};

TEST_P(ContainerCase, GivesExactlyTheExpectedPage) {
  const auto folder = container_cases() / GetParam();
  ContainerUnderTest container(config_of(folder));
  const PassOutcome outcome = container.pass();
  std::string errors = std::to_string(outcome.partial_errors) + " errors\n";
  if (outcome.partial_errors > 0) errors += outcome.first_partial_error + "\n";
  for (auto at = errors.find(folder.string()); at != std::string::npos; at = errors.find(folder.string())) {
    errors.erase(at, folder.string().size());
  }
  const std::string page = "# " + errors.replace(errors.find('\n'), 1, ": ") + "\n" + container.page();
  if (std::getenv("SIDEWATCH_WRITE_EXPECTED") != nullptr) std::ofstream(folder / "expected.prom") << page;
  EXPECT_EQ(page, text_of(folder / "expected.prom"));
}

INSTANTIATE_TEST_SUITE_P(All, ContainerCase, testing::ValuesIn(case_names()), [](const auto& test) {
  std::string name = test.param;
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
});

}  // namespace
}  // namespace sidewatch::container
