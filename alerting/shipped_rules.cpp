// The shipped rules, read; see shipped_rules.h.

#include "alerting/shipped_rules.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "alerting/rule_file.h"
#include "alerting/shipped_texts.h"

namespace sidewatch {
namespace {

struct RuleSet {
  std::string_view name;
  std::string_view text;
};
constexpr std::array sets{
    RuleSet{"host", shipped_host_text},
    RuleSet{"process", shipped_process_text},
    RuleSet{"container", shipped_container_text},
};

bool has_alert(const std::vector<RuleGroup>& groups, std::string_view alert) {
  return std::any_of(groups.begin(), groups.end(), [&](const RuleGroup& group) {
    return std::any_of(group.rules.begin(), group.rules.end(),
                       [&](const AnyRule& any) { return std::holds_alternative<Rule>(any) && name_of(any) == alert; });
  });
}

}  // namespace

std::vector<std::string_view> shipped_rule_sets() {
  std::vector<std::string_view> names;
  for (const RuleSet& set : sets) names.push_back(set.name);
  return names;
}

std::string_view shipped_rule_text(std::string_view name) {
  const auto* found = std::find_if(sets.begin(), sets.end(), [&](const RuleSet& set) { return set.name == name; });
  return found == sets.end() ? std::string_view() : found->text;
}

std::vector<RuleGroup> shipped_rules(std::string_view set) {
  config::Problems problems;
  auto groups = parse_rule_file("shipped/" + std::string(set) + ".yaml", std::string(shipped_rule_text(set)), problems);
  assert(problems.empty());
  identify(groups);
  return groups;
}

std::string_view shipped_set_of(std::string_view alert) {
  for (const RuleSet& set : sets) {
    if (has_alert(shipped_rules(set.name), alert)) return set.name;
  }
  return {};
}

}  // namespace sidewatch
