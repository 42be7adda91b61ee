// The rules that a file of unit tests names.
#pragma once

#include <vector>

#include "alerting/rule_group.h"
#include "alerting/unit_test/unit_test_file.h"
#include "config/problem.h"

namespace sidewatch {

// Rule files as they are; of a configuration of the agent its rules (see rule_sources.h) and nothing else, so
// that no secret has to be at hand that only a receiver needs. Files named by two patterns are read once. When `problems` is not
// empty afterwards, the groups must not be used.
std::vector<RuleGroup> load_rules_under_test(const UnitTestFile& file, config::Problems& problems);

}  // namespace sidewatch
