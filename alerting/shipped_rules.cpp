// The shipped rules, read; see shipped_rules.h.

#include "alerting/shipped_rules.h"

#include <algorithm>
#include <cassert>

#include "alerting/rule_file.h"
#include "alerting/shipped_texts.h"

namespace sidewatch {
namespace {

bool has_alert(const std::vector<RuleGroup>& groups, std::string_view alert) {
  return std::any_of(groups.begin(), groups.end(), [&](const RuleGroup& group) {
    return std::any_of(group.rules.begin(), group.rules.end(),
                       [&](const AnyRule& any) { return std::holds_alternative<Rule>(any) && name_of(any) == alert; });
  });
}

}  // namespace

std::vector<std::string_view> shipped_rule_sets() {
  std::vector<std::string_view> names;
  for (const ShippedText& shipped : shipped_texts()) names.push_back(shipped.set);
  return names;
}

std::string_view shipped_rule_text(std::string_view set) {
  for (const ShippedText& shipped : shipped_texts()) {
    if (shipped.set == set) return shipped.text;
  }
  return {};
}

std::vector<RuleGroup> shipped_rules(std::string_view set) {
  config::Problems problems;
  auto groups = parse_rule_file("shipped/" + std::string(set) + ".yaml", std::string(shipped_rule_text(set)), problems);
  assert(problems.empty());
  identify(groups);
  return groups;
}

std::string_view shipped_set_of(std::string_view alert) {
  for (const ShippedText& shipped : shipped_texts()) {
    if (has_alert(shipped_rules(shipped.set), alert)) return shipped.set;
  }
  return {};
}

}  // namespace sidewatch
