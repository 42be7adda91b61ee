// Rules in groups: what is evaluated together, in the order in which it is written, so that a rule sees what an
// earlier one of the same tick recorded.
//
// Groups come from three places: `rules:` of the configuration is one group, each group of a rule file is one, and the
// rules that come with the agent are the last.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "alerting/rule.h"
#include "base/time.h"
#include "config/problem.h"
#include "config/section.h"
#include "metrics/labels.h"
#include "metrics/promql/expression.h"

namespace sidewatch {

// Writes what its expression gives as series of its own name.
struct RecordingRule {
  std::string name;
  std::string id;     // as Rule::id
  config::Mark mark;  // where it is written
  std::optional<promql::Expression> expr;  // absent only where reading it was a problem
  std::vector<Label> labels;  // in order of name; an empty value takes the label away

  const std::string& identity() const { return id.empty() ? name : id; }
};

using AnyRule = std::variant<Rule, RecordingRule>;

const std::string& name_of(const AnyRule& rule);
const config::Mark& mark_of(const AnyRule& rule);

struct RuleGroup {
  std::string name;
  std::string file;          // "built in" for those that come with the agent
  config::Mark mark;
  Duration interval{0};      // 0: whenever samples arrive
  Duration query_offset{0};  // everything is evaluated as of so long ago
  std::size_t limit = 0;     // alerts or series that one rule may give; more are an error. 0: as many as it likes
  std::vector<AnyRule> rules;
  bool from_file = false;    // of a rule file
};

inline constexpr std::string_view builtin_file = "built in";

// Declares the top-level list `rules:` and appends what it holds as one group. A name that two alerting rules have is a
// problem that names both places.
void configure_rules(config::Section& top, std::vector<RuleGroup>& groups);

// Declares the keys of one rule, of either kind, and appends it.
void declare_any_rule(config::Section& section, RuleSource source,
                      const std::vector<std::pair<std::string, Template>>& inherited, std::vector<AnyRule>& rules);

// The rules that the agent always has about itself.
RuleGroup builtin_group();

// Appends `further` without those rules whose names an alerting rule of `groups` has, and without empty groups.
void add_unless_named(std::vector<RuleGroup>& groups, std::vector<RuleGroup> further);

// Gives every rule of a rule file an identity that is its own and stays the same over restarts.
void identify(std::vector<RuleGroup>& groups);

std::size_t count_rules(const std::vector<RuleGroup>& groups);

}  // namespace sidewatch
