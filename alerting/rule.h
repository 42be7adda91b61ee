// An alerting rule as the configuration says it, checked: its expression parses, its levels are in order, its clear
// values are on the right side, its templates know what they name. A Rule in hand can be evaluated.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "alerting/policy/state.h"
#include "alerting/template.h"
#include "base/time.h"
#include "config/section.h"
#include "metrics/promql/expression.h"

namespace sidewatch {

struct Rule {
  std::string name;    // unique; the alertname
  config::Mark mark;   // where it is written
  std::optional<promql::Expression> expr;  // absent only where reading it was a problem
  Policy policy;
  Duration cooldown = std::chrono::minutes(5);
  std::vector<std::pair<std::string, Template>> labels;  // in order of name
  Template summary;
  Template description;

  // Equal when the rule means the same: expression, thresholds, delays. Labels, texts and cooldown may differ.
  std::string fingerprint() const;
};

void declare(config::Section& section, Rule& rule);

// Declares the top-level list `rules:` and adds its rules to `rules`; a name used twice (also by one already in
// `rules`) is a problem that names both places.
void configure_rules(config::Section& top, std::vector<Rule>& rules);

// What the agent watches about itself: CollectorFailing. A configured rule of the same name replaces it.
std::vector<Rule> builtin_rules();

// Adds those builtin rules whose names are not taken.
void add_builtin_rules(std::vector<Rule>& rules);

}  // namespace sidewatch
