// Where a configuration's rules come from, and what takes the place of what.
//
//     rules:          written in the configuration itself
//     rule_files:     files of rules, its own or Prometheus's
//     shipped_rules:  sets that come with the agent, such as [host, process]
//     rule_changes:   what is to be different about a rule that was not written here
//
// Those that come with the agent (shipped ones, and the few that are always there) give way: a rule of the same name
// in `rules:` or in a rule file takes the place of one, and `rule_changes:` changes single keys of it.
#pragma once

#include <string>
#include <vector>

#include "alerting/rule_file.h"
#include "alerting/rule_group.h"
#include "config/problem.h"
#include "config/section.h"

namespace sidewatch {

struct RuleSources {
  std::vector<RuleGroup> written;  // of `rules:`
  RuleFilePatterns files;
  std::vector<RuleGroup> shipped;                   // of the sets that were asked for, changed
  RuleGroup builtin;                                // likewise
  std::vector<config::Located<std::string>> changed;  // which rules, and where that is said
};

// Declares the keys above and reads all of it but the rule files.
void declare(config::Section& top, RuleSources& sources);

// Reads the rule files as well, and gives what is in force but the builtin rules. Names of files that were read are
// appended to `files`.
std::vector<RuleGroup> load_rules(RuleSources& sources, std::vector<std::string>& files, config::Problems& problems);

}  // namespace sidewatch
