// What a configuration wants to be different about a rule that comes with the agent: single keys, or that it is off.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "alerting/rule.h"
#include "alerting/rule_levels.h"
#include "alerting/rule_text.h"
#include "config/section.h"

namespace sidewatch {

struct RuleChange {
  config::Located<std::string> name;
  bool enabled = true;
  config::Located<std::string> expr;
  LevelsText levels;
  std::optional<Duration> keep_firing_for;
  std::optional<Duration> cooldown;
  std::optional<Duration> no_data_after;
  LocatedTexts labels;
};

void declare(config::Section& section, RuleChange& change);

// Keys that are not given stay; a level that is given takes the place of the whole level, its clear value included.
// What then does not fit together is a problem of `section`.
void apply(config::Section& section, RuleChange change, Rule& rule);

}  // namespace sidewatch
