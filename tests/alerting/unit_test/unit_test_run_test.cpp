// What only this program knows; what promtool knows is in tests/cases/rule_tests and held against promtool.
#include "alerting/unit_test/unit_test_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "alerting/rule_file.h"
#include "alerting/unit_test/unit_test_rules.h"

namespace sidewatch {
namespace {

constexpr const char* memory_rules = R"(
groups:
  - name: memory
    rules:
      - alert: MemoryHigh
        expr: used_percent
        warning: "> 80"
        critical: "> 90"
        for: 1m
        cooldown: 10m
        summary: "{{ $value }} %"
  - name: other
    rules:
      - alert: MemoryHigh
        expr: used_percent > 80
        labels: {severity: page}
)";

// What fails, one line each, without places.
std::string run(const std::string& rules, const std::string& tests) {
  config::Problems problems;
  const auto groups = parse_rule_file("rules.yml", rules, problems);
  const auto file = parse_unit_test_file("tests.yml", tests, problems);
  EXPECT_EQ(problems.text(), "");
  std::string text;
  for (const UnitTest& test : file.tests) {
    for (const auto& failure : run_unit_test(test, file, groups)) {
      text += failure.sentence + "\n";
      for (const auto& line : failure.lines) text += "  " + line + "\n";
    }
  }
  return text;
}

TEST(UnitTestRun, TestsLevelsAsTheLabelSeverity) {
  EXPECT_EQ(run(memory_rules, R"(
tests:
  - input_series:
      - {series: 'used_percent{host="a"}', values: 50 85 85 95 95 70}
    alert_rule_test:
      - {eval_time: 1m, alertname: MemoryHigh, groupname: memory}
      - eval_time: 2m
        alertname: MemoryHigh
        groupname: memory
        exp_alerts: [{exp_labels: {host: a, severity: warning}, exp_annotations: {summary: 85 %}}]
      - eval_time: 4m
        alertname: MemoryHigh
        groupname: memory
        exp_alerts: [{exp_labels: {host: a, severity: critical}, exp_annotations: {summary: 95 %}}]
      - {eval_time: 5m, alertname: MemoryHigh, groupname: memory}
      - {eval_time: 1m, alertname: MemoryHigh, groupname: other, exp_alerts: [{exp_labels: {host: a, severity: page}}]}
)"),
            "");
}

TEST(UnitTestRun, TestsWhichMessagesAreSent) {
  const std::string tests = R"(
tests:
  - input_series:
      - {series: 'used_percent{host="a"}', values: 85x2 95x2 50x1 85x5 50 _}
    message_test:
      - eval_time: 20m
        alertname: MemoryHigh
        exp_messages:
          - {at: 1m, reason: fired, level: warning, exp_labels: {host: a}}
          - {at: 4m, reason: escalated, level: critical}
          - {at: 6m, reason: resolved, level: ok}
)";
  const std::string only_levels(memory_rules, std::string_view(memory_rules).find("  - name: other"));
  EXPECT_EQ(run(only_levels, tests), "");
  std::string wrong = tests;
  wrong.replace(wrong.find("at: 4m"), 6, "at: 3m");
  EXPECT_EQ(run(only_levels, wrong),
            "up to 20m the messages about 'MemoryHigh' are not as expected\n"
            "  expected  3m escalated (critical) {}\n"
            "  got       4m escalated (critical) {alertname=\"MemoryHigh\", host=\"a\", severity=\"critical\"}\n");
}

// True when the file can be read and no test of it fails. (That promtool thinks likewise: tests/integration.)
bool passes(const std::filesystem::path& path) {
  config::Problems problems;
  const auto file = load_unit_test_file(path, problems);
  const auto groups = load_rules_under_test(file, problems);
  if (!problems.empty()) return false;
  return std::all_of(file.tests.begin(), file.tests.end(),
                     [&](const UnitTest& test) { return run_unit_test(test, file, groups).empty(); });
}

TEST(UnitTestRun, PassesAndFailsEveryCaseAsItsNameSays) {
  std::size_t count = 0;
  for (const char* folder : {"", "ours/"}) {
    const std::string cases = std::string(SIDEWATCH_SOURCE_DIR "/tests/cases/rule_tests/") + folder;
    for (const auto& entry : std::filesystem::directory_iterator(cases)) {
      if (entry.path().extension() != ".yml") continue;
      ++count;
      EXPECT_EQ(passes(entry.path()), entry.path().filename().string().starts_with("pass-")) << entry.path();
    }
  }
  EXPECT_GE(count, 40U);
}

TEST(UnitTestRun, BeginsWhenItIsTold) {
  EXPECT_EQ(run("groups: [{name: g, rules: [{record: seen, expr: timestamp(a)}]}]", R"(
tests:
  - start_timestamp: 2026-03-01T12:00:00Z
    interval: 30s
    input_series: [{series: a, values: 1 2 3}]
    promql_expr_test:
      - {expr: time(), eval_time: 1m, exp_samples: [{value: 1772366460}]}
      - {expr: hour(), eval_time: 0, exp_samples: [{value: 12}]}
      - {expr: seen, eval_time: 1m, exp_samples: [{labels: seen, value: 1772366460}]}
)"),
            "");
}

TEST(UnitTestRun, EqualsNaNWithNaNAndRoundsOnDemand) {
  const std::string tests = R"(
tests:
  - input_series: [{series: a, values: NaN}]
    promql_expr_test:
      - {expr: a, eval_time: 0, exp_samples: [{labels: a, value: .nan}]}
      - {expr: vector(0.1) * 3, eval_time: 0, exp_samples: [{value: 0.3}]}
)";
  EXPECT_EQ(run("groups:", "fuzzy_compare: true" + tests), "");
  EXPECT_EQ(run("groups:", tests), "at 0s 'vector(0.1) * 3' is not as expected\n"
                                   "  {}\n"
                                   "      expected  0.3\n"
                                   "      got       0.30000000000000004\n");
}

TEST(UnitTestRun, SaysThatThereIsNoSuchRule) {
  EXPECT_EQ(run("groups:", "tests: [{alert_rule_test: [{eval_time: 1m, alertname: Nope, exp_alerts: [{}]}]}]"),
            "at 1m the alerts 'Nope' are not as expected\n"
            "  there is no such rule in the rule files\n"
            "  missing     {alertname=\"Nope\"}\n");
}

TEST(UnitTestRun, RefusesToRunForEver) {
  EXPECT_EQ(run("groups:", "evaluation_interval: 1ms\ntests: [{promql_expr_test: [{expr: vector(1), eval_time: 1y}]}]"),
            "it would take more than 1000000 evaluations: an eval_time is too far from the beginning for the "
            "evaluation_interval\n");
}

}  // namespace
}  // namespace sidewatch
