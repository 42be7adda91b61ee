#include "collectors/process/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "config/reference.h"
#include "tests/collectors/read_plans.h"

namespace sidewatch {
namespace {

ReadPlans read(const std::string& yaml) { return read_plans(configure_process, yaml); }

TEST(ProcessConfig, PlansOneCollectorForAllGroups) {
  const auto [plans, problems] = read(
      "process:\n  - {name: checkout, match: {exe: checkout, port: 8080}}\n"
      "  - {name: agent, match: {pid: self}, children: false}\n");
  EXPECT_EQ(problems, "");
  ASSERT_EQ(plans.size(), 1u);
  EXPECT_EQ(plans[0].name, "process");
  EXPECT_EQ(plans[0].watches, "processes: checkout (exe checkout, port 8080: seeing who listens takes the same user, root, "
                              "or CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH); agent (pid self)");
}

TEST(ProcessConfig, PlansACollectorForEachIntervalAndProcfs) {
  const auto [plans, problems] = read(
      "process:\n  - {name: a, match: {comm: [a, b]}}\n"
      "  - {name: b, match: {user: postgres}, interval: 30s}\n"
      "  - {name: c, match: {unit: nginx}, procfs: /host/proc}\n"
      "  - {name: d, match: {container: 3f2a9c0d11e2}}\n");
  EXPECT_EQ(problems, "");
  ASSERT_EQ(plans.size(), 3u);
  EXPECT_EQ(plans[0].name, "process");
  EXPECT_EQ(plans[0].watches, "processes: a (comm a or b); d (container 3f2a9c0d11e2)");
  EXPECT_EQ(plans[0].interval, std::nullopt);
  EXPECT_EQ(plans[1].name, "process:30s");
  EXPECT_EQ(plans[1].interval, Duration(std::chrono::seconds(30)));
  EXPECT_EQ(plans[2].name, "process:/host/proc");
  EXPECT_EQ(plans[2].watches, "processes: c (unit nginx), as /host/proc tells it");
}

TEST(ProcessConfig, RefusesTheSameTemplateAtTwoIntervals) {
  EXPECT_THAT(read("process:\n  - {name: '{{.Comm}}', match: {comm: a}}\n"
                   "  - {name: '{{.Comm}}', match: {comm: b}, interval: 9s}\n").problems,
              testing::HasSubstr("f:3:13: another entry has the name '{{.Comm}}' but another interval or procfs"));
}

TEST(ProcessConfig, AllowsTheSameTemplateTwice) {
  EXPECT_EQ(read("process:\n  - {name: '{{.Comm}}', match: {comm: a}}\n"
                 "  - {name: '{{.Comm}}', match: {comm: b}}\n").problems, "");
}

TEST(ProcessConfig, PlansNothingWithoutGroups) {
  EXPECT_TRUE(read("process: []\n").plans.empty());
}

TEST(ProcessConfig, HasAnotherFingerprintForWhateverChanges) {
  const std::vector<std::string> variants = {
      "{name: a, match: {exe: a}}",           "{name: b, match: {exe: a}}",     "{name: a, match: {exe: b}}",
      "{name: a, match: {comm: a}}",          "{name: a, match: {cmdline: a}}", "{name: a, match: {port: 1}}",
      "{name: a, match: {exe: a, port: 1}}",  "{name: a, match: {pid: self}}",  "{name: a, match: {parent: self}}",
      "{name: a, match: {pid_file: a}}",      "{name: a, match: {exe: a}, children: false}",
      "{name: a, match: {user: a}}",          "{name: a, match: {unit: a}}",    "{name: a, match: {cgroup: /a}}",
      "{name: a, match: {container: 3f2a9c0d11e2}}",
      "{name: a, match: {exe: [a, b]}}",
      "{name: a, match: {cmdline: [a, b]}}",
      "{name: a, match: {exe: a}, threads: true}",
      "{name: a, match: {exe: a}, wchan: true}",
      "{name: a, match: {exe: a}, process_metrics: true}",
      "{name: a, match: {exe: a}, proportional_memory_every: 30s}",
      "{name: a, match: {exe: a}, max_thread_names: 9}",
      "{name: a, match: {exe: a}, max_groups: 9}",
      "{name: a, match: {exe: a}, forget_after: 9s}",
      "{name: a, match: {exe: a}, interval: 9s}",
      "{name: a, match: {exe: a}, procfs: /host/proc}"};
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
      {"process:\n  - {name: a, match: {cmdline: [a, \"\"]}}\n", "f:2:32: 'cmdline' is empty"},
      {"process:\n  - {name: a, match: {cmdline: .*}}\n", "f:2:32: '.*' is found in every command line; .+ is found"},
      {"process:\n  - {name: a, match: {cmdline: []}}\n", "f:2:22: says nothing about the processes"},
      {"process:\n  - {name: a, match: {cmdline: [b, \"a(b\"]}}\n", "f:2:36: "},
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
      {"process:\n  - {name: a, match: {user: [a, \"\"]}}\n", "f:2:29: 'user' is empty"},
      {"process:\n  - {name: a, match: {cgroup: a}}\n", "f:2:31: 'a' is not a cgroup"},
      {"process:\n  - {name: a, match: {cgroup: /}}\n", "f:2:31: '/' is not a cgroup"},
      {"process:\n  - {name: a, match: {unit: /a}}\n", "f:2:29: '/a' is not the name of a systemd unit"},
      {"process:\n  - {name: a, match: {container: 3F2a9c0d11e2}}\n", "f:2:34: '3F2a9c0d11e2' is not the id"},
      {"process:\n  - {name: a, match: {container: 3f2a}}\n", "f:2:34: '3f2a' is not the id of a container"},
      {"process:\n  - {name: '{{.Com}}', match: {comm: a}}\n", "f:2:13: '{{.Com}}' is none of {{.Comm}}"},
      {"process:\n  - {name: '{{.Matches.a}}', match: {cmdline: 'b'}}\n", "has no (?P<a>...)"},
      {"process:\n  - {name: a, match: {comm: a}, procfs: proc}\n", "f:2:41: 'proc' is not an absolute path"},
      {"process:\n  - {name: a, match: {comm: a}, interval: 1ms}\n", "f:2:43: "},
      {"process:\n  - {name: a, match: {comm: a}, max_groups: 0}\n", "f:2:45: "},
  };
  for (const auto& [yaml, problem] : broken) {
    const auto problems = read(yaml).problems;
    EXPECT_THAT(problems, testing::HasSubstr(problem)) << yaml;
    if (problem == "f:2:31: " || problem == "did you mean 'exe'?") continue;  // nothing is left that selects: two
    EXPECT_EQ(std::count(problems.begin(), problems.end(), '\n'), 1) << "one mistake, one line: " << problems;
  }
}

TEST(ProcessConfig, DescribesEveryKeyInTheReference) {
  const auto reference = config::reference_markdown<PlansOf<configure_process>>();
  for (const char* key : {"name", "match", "children", "pid_file", "comm", "exe", "cmdline", "port", "pid", "parent",
                          "user", "cgroup", "unit", "container", "threads", "wchan", "max_thread_names",
                          "proportional_memory_every", "process_metrics", "max_groups", "forget_after", "interval",
                          "procfs"}) {
    EXPECT_THAT(reference, testing::HasSubstr(std::string("`") + key + "`")) << reference;
  }
}

}  // namespace
}  // namespace sidewatch
