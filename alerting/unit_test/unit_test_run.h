// Runs one unit test: the real rules over made-up samples and a clock that jumps from evaluation to evaluation.
//
// Everything happens as in promtool. At every evaluation the samples up to that time are in the store, then every group
// is evaluated (whatever interval it names), in the order that the file asks for, and what one rule writes the next one
// sees: recorded series, ALERTS and ALERTS_FOR_STATE. Alerts are looked at in the evaluation that is the last at or
// before the check's time; expressions are evaluated when all is over, at the check's time, over what is in the store
// by then.
#pragma once

#include <string>
#include <vector>

#include "alerting/rule_group.h"
#include "alerting/unit_test/unit_test_file.h"
#include "config/problem.h"

namespace sidewatch {

inline constexpr std::size_t max_test_evaluations = 1'000'000;

// One thing that is not as the test expects.
struct UnitTestFailure {
  config::Mark mark;               // of the check
  std::string sentence;            // "at 10m InstanceDown fires otherwise than expected"
  std::vector<std::string> lines;  // expected and got, side by side
};

// `groups` are those of the file's rule files; nothing of them is changed.
std::vector<UnitTestFailure> run_unit_test(const UnitTest& test, const UnitTestFile& file,
                                           const std::vector<RuleGroup>& groups);

}  // namespace sidewatch
