#include "agent/test_command.h"

#include <string>
#include <string_view>
#include <vector>

#include "agent/exit_code.h"
#include "alerting/unit_test/unit_test_file.h"
#include "alerting/unit_test/unit_test_rules.h"
#include "alerting/unit_test/unit_test_run.h"
#include "config/problem.h"

namespace sidewatch {
namespace {

std::string place(const config::Mark& mark) {
  return mark.file + ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column);
}

std::string count(std::size_t n, std::string_view what) {
  return std::to_string(n) + " " + std::string(what) + (n == 1 ? "" : "s");
}

std::size_t checks_in(const UnitTest& test) {
  return test.alert_checks.size() + test.expression_checks.size() + test.message_checks.size();
}

std::string describe(const UnitTestFailure& failure) {
  std::string text = "  " + place(failure.mark) + ": " + failure.sentence + "\n";
  for (const auto& line : failure.lines) text += "      " + line + "\n";
  return text;
}

struct Tally {
  std::size_t tests = 0;
  std::size_t failed = 0;
};

// The tests of one file.
std::string run_file(const UnitTestFile& file, const std::vector<RuleGroup>& groups, Tally& tally) {
  std::string failures;
  std::size_t failed = 0;
  std::size_t checks = 0;
  for (std::size_t i = 0; i < file.tests.size(); ++i) {
    const UnitTest& test = file.tests[i];
    checks += checks_in(test);
    const auto found = run_unit_test(test, file, groups);
    if (found.empty()) continue;
    ++failed;
    const std::string name = test.name.empty() ? "number " + std::to_string(i + 1) : "\"" + test.name + "\"";
    failures += "  test " + name + " FAILED\n";
    for (const auto& failure : found) failures += describe(failure);
  }
  tally.tests += file.tests.size();
  tally.failed += failed;
  const std::string extent = " (" + count(file.tests.size(), "test") + ", " + count(checks, "check") + ")\n";
  return file.path + ": " + (failed == 0 ? "ok" : std::to_string(failed) + " FAILED") + extent + failures;
}

}  // namespace

CommandResult run_tests(const TestCommand& command) {
  CommandResult result;
  Tally tally;
  for (const auto& path : command.files) {
    config::Problems problems;
    const UnitTestFile file = load_unit_test_file(path, problems);
    std::vector<RuleGroup> groups;
    if (problems.empty()) groups = load_rules_under_test(file, problems);
    if (!problems.empty()) {
      result.code = exit_configuration;
      result.err += problems.text();
      continue;
    }
    result.out += run_file(file, groups, tally);
  }
  if (result.code == exit_ok && tally.failed > 0) result.code = exit_tests_failed;
  if (command.files.size() > 1) {
    result.out += count(tally.tests, "test") + ", " + std::to_string(tally.failed) + " failed\n";
  }
  return result;
}

}  // namespace sidewatch
