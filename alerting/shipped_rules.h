// The rules that come with the agent for whoever asks for them: config/rules/*.yaml, within the program, so that
// they are there wherever it is, and fit its metrics.
//
// A set is one of those files: "host", "process" and so on. The texts are put into the program by CMake.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "alerting/rule_group.h"

namespace sidewatch {

std::vector<std::string_view> shipped_rule_sets();  // in the order of the reference

// The file as it is written; empty when there is no such set.
std::string_view shipped_rule_text(std::string_view set);

// Its groups, identified, as of a file named shipped/<set>.yaml.
std::vector<RuleGroup> shipped_rules(std::string_view set);

// Which of them has an alerting rule of that name; empty when none.
std::string_view shipped_set_of(std::string_view alert);

}  // namespace sidewatch
