#include "collectors/process/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "config/document.h"
#include "config/reference.h"

namespace sidewatch {
namespace {

struct Collectors {
  std::vector<CollectorPlan> plans;
};
void declare(config::Section& section, Collectors& collectors) {
  configure_process(section, collectors.plans);
}

struct Read {
  std::vector<CollectorPlan> plans;
  std::string problems;
};
Read read(const std::string& yaml) {
  config::Problems problems;
  auto document = config::Document::parse("f", yaml, [](const auto&) { return std::nullopt; }, problems);
  Collectors collectors;
  document.read(collectors);
  return {std::move(collectors.plans), problems.text()};
}

TEST(ProcessConfig, PlansOneCollectorForAllGroups) {
  const auto [plans, problems] = read(
      "process:\n  - {name: checkout, match: {exe: checkout, port: 8080}}\n"
      "  - {name: agent, match: {pid: self}, children: false}\n");
  EXPECT_EQ(problems, "");
  ASSERT_EQ(plans.size(), 1u);
  EXPECT_EQ(plans[0].name, "process");
  EXPECT_EQ(plans[0].watches, "processes: checkout (exe checkout, port 8080); agent (pid self)");
}

TEST(ProcessConfig, PlansNothingWithoutGroups) {
  EXPECT_TRUE(read("process: []\n").plans.empty());
}

TEST(ProcessConfig, HasAnotherFingerprintForWhateverChanges) {
  const std::vector<std::string> variants = {
      "{name: a, match: {exe: a}}",           "{name: b, match: {exe: a}}",     "{name: a, match: {exe: b}}",
      "{name: a, match: {comm: a}}",          "{name: a, match: {cmdline: a}}", "{name: a, match: {port: 1}}",
      "{name: a, match: {exe: a, port: 1}}",  "{name: a, match: {pid: self}}",  "{name: a, match: {parent: self}}",
      "{name: a, match: {pid_file: a}}",      "{name: a, match: {exe: a}, children: false}"};
  std::vector<std::string> fingerprints;
  for (const auto& variant : variants) {
    const auto [plans, problems] = read("process: [" + variant + "]\n");
    ASSERT_EQ(problems, "") << variant;
    EXPECT_EQ(read("process: [" + variant + "]\n").plans[0].fingerprint, plans[0].fingerprint);
    EXPECT_THAT(fingerprints, testing::Not(testing::Contains(plans[0].fingerprint))) << variant;
    fingerprints.push_back(plans[0].fingerprint);
  }
}

TEST(ProcessConfig, RefusesWhatSelectsNothingOrCannotBe) {
  struct Case {
    std::string yaml;
    std::string problem;
  };
  const Case broken[] = {
      {"process:\n  - name: a\n    match: {}\n", "f:3:12: says nothing about the processes"},
      {"process:\n  - name: a\n    match: {comm: \"\"}\n", "f:3:19: 'comm' is empty"},
      {"process:\n  - name: a\n    match: {exe: \"\", pid: any}\n", "f:3:18: 'exe' is empty"},
      {"process:\n  - name: a\n    match: {cmdline: \"\"}\n", "f:3:22: 'cmdline' is empty"},
      {"process:\n  - name: a\n    match: {comm: a, exe: \"\"}\n", "f:3:27: 'exe' is empty"},
      {"process:\n  - name: a\n    match: {pid: any}\n", "f:3:12: says nothing"},
      {"process:\n  - name: a\n", "f:2:5: 'match' is missing"},
      {"process:\n  - {match: {comm: a}}\n", "f:2:5: 'name' is missing in process\n"},
      {"process:\n  - {name: \"\", match: {comm: a}}\n", "needs a name"},
      {"process:\n  - {name: a, match: {comm: a}}\n  - {name: a, match: {comm: b}}\n",
       "f:3:12: there is already a group of processes named 'a'"},
      {"process:\n  - {name: a, match: {port: 0}}\n", "f:2:29: "},
      {"process:\n  - {name: a, match: {port: 65536}}\n", "f:2:29: "},
      {"process:\n  - {name: a, match: {port: http}}\n", "f:2:29: "},
      {"process:\n  - {name: a, match: {cmdline: \"a(b\"}}\n", "f:2:32: "},
      {"process:\n  - {name: a, match: {parent: other}}\n", "f:2:31: "},
      {"process:\n  - {name: a, match: {exee: a}}\n", "did you mean 'exe'?"},
      {"process:\n  - {name: a, match: {comm: a}, childern: false}\n", "did you mean 'children'?"},
      {"process: {name: a}\n", "f:1:10: "},
  };
  for (const auto& [yaml, problem] : broken) {
    const auto problems = read(yaml).problems;
    EXPECT_THAT(problems, testing::HasSubstr(problem)) << yaml;
    if (problem == "f:2:31: " || problem == "did you mean 'exe'?") continue;  // nothing is left that selects: two
    EXPECT_EQ(std::count(problems.begin(), problems.end(), '\n'), 1) << "one mistake, one line: " << problems;
  }
}

TEST(ProcessConfig, DescribesEveryKeyInTheReference) {
  const auto reference = config::reference_markdown<Collectors>();
  for (const char* key : {"name", "match", "children", "pid_file", "comm", "exe", "cmdline", "port", "pid", "parent"}) {
    EXPECT_THAT(reference, testing::HasSubstr(std::string("`") + key + "`")) << reference;
  }
}

}  // namespace
}  // namespace sidewatch
