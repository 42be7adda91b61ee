// Every folder of tests/cases/process: a configuration, a procfs, and the exact page that one pass over it gives.
// With SIDEWATCH_WRITE_EXPECTED set in the environment the pages are written anew instead, to be looked at in a diff.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "collectors/process/config.h"
#include "config/document.h"
#include "tests/collectors/process/harness.h"

namespace sidewatch {
namespace {

const std::filesystem::path cases = std::filesystem::path(SIDEWATCH_SOURCE_DIR) / "tests" / "cases" / "process";

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(cases)) names.push_back(entry.path().filename());
  return names;
}

struct Collectors {
  std::vector<ProcessGroupConfig> process;
};
void declare(config::Section& section, Collectors& collectors) {
  section.list("process", collectors.process, "groups");
}

class ProcessCase : public testing::TestWithParam<std::string> {};

TEST_P(ProcessCase, GivesExactlyTheExpectedPage) {
  const auto folder = cases / GetParam();
  config::Problems problems;
  auto document = config::Document::load((folder / "config.yaml").string(), config::process_environment(), problems);
  Collectors collectors;
  document.read(collectors);
  ASSERT_TRUE(problems.empty()) << problems.text();

  Catalog catalog({}, {});
  Store store(catalog, {});
  Batch batch;
  ProcessOptions options;
  options.procfs = (folder / "proc").string();
  const auto outcome = make_process_collector(collectors.process, options, catalog)->collect(batch, time_at_ms(1000));
  ASSERT_TRUE(outcome) << outcome.error().text();
  EXPECT_EQ(outcome->partial_errors, 0u) << outcome->first_partial_error;
  store.append(store.add_source("process"), time_at_ms(1000), batch);
  std::string page;
  const auto series = store.snapshot();
  render_exposition(series, ExpositionFormat::prometheus_text, page);

  if (std::getenv("SIDEWATCH_WRITE_EXPECTED") != nullptr) std::ofstream(folder / "expected.prom") << page;
  EXPECT_EQ(page, content(folder / "expected.prom"));
}

INSTANTIATE_TEST_SUITE_P(All, ProcessCase, testing::ValuesIn(case_names()), [](const auto& test) {
  std::string name = test.param;
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
});

}  // namespace
}  // namespace sidewatch
