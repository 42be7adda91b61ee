// Gathering rules from where they stand; see rule_sources.h.

#include "alerting/rule_sources.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include "alerting/rule_change.h"
#include "alerting/rule_text.h"
#include "alerting/shipped_rules.h"
#include "config/wording.h"

namespace sidewatch {
namespace {

using config::Located;
using config::Section;

std::string meant(std::string_view written, const std::vector<std::string_view>& known, std::string_view otherwise) {
  const auto near = config::nearest(written, known);
  return near ? "did you mean " + quoted(*near) + "?" : std::string(otherwise);
}

void declare_shipped(Section& top, std::vector<RuleGroup>& groups) {
  std::vector<Located<std::string>> sets;
  const auto known = shipped_rule_sets();
  top.optional("shipped_rules", sets,
               "sets of rules that come with the agent: " + config::list_of(known) +
                   "; docs/shipped-rules.md says what is in them. A rule of the same name in `rules` takes the place of "
                   "one");
  std::set<std::string> seen;
  for (const auto& set : sets) {
    if (std::find(known.begin(), known.end(), set.value) == known.end()) {
      top.problem(set.mark, "no rules named " + config::quote(set.value) + " come with the agent, " +
                                meant(set.value, known, "there are " + config::list_of(known)));
    } else if (seen.insert(set.value).second) {
      auto shipped = shipped_rules(set.value);
      std::move(shipped.begin(), shipped.end(), std::back_inserter(groups));
    }
  }
}

// The one of that name; its group and its place there.
struct Found {
  RuleGroup* group = nullptr;
  std::size_t at = 0;
};

Found find(RuleSources& sources, std::string_view name) {
  const auto in = [&](RuleGroup& group) -> Found {
    for (std::size_t i = 0; i < group.rules.size(); ++i) {
      if (std::holds_alternative<Rule>(group.rules[i]) && name_of(group.rules[i]) == name) return {&group, i};
    }
    return {};
  };
  for (RuleGroup& group : sources.shipped) {
    if (const Found found = in(group); found.group != nullptr) return found;
  }
  return in(sources.builtin);
}

std::string no_such_rule(RuleSources& sources, const std::string& name) {
  if (const auto set = shipped_set_of(name); !set.empty()) {
    return quoted(name) + " is one of the rules " + quoted(set) + ", which shipped_rules does not ask for";
  }
  std::vector<std::string_view> known;
  for (const RuleGroup& group : sources.shipped) {
    for (const AnyRule& rule : group.rules) known.push_back(name_of(rule));
  }
  for (const AnyRule& rule : sources.builtin.rules) known.push_back(name_of(rule));
  return "no rule that comes with the agent is named " + config::quote(name) + ", " +
         meant(name, known, "docs/shipped-rules.md lists them");
}

void declare_change(Section& section, RuleSources& sources) {
  RuleChange change;
  declare(section, change);
  if (section.describing() || change.name.value.empty()) return;
  const auto before = std::find_if(sources.changed.begin(), sources.changed.end(),
                                   [&](const auto& other) { return other.value == change.name.value; });
  if (before != sources.changed.end()) {
    section.problem("alert", quoted(change.name.value) + " is already changed at " + place(before->mark));
    return;
  }
  const Found found = find(sources, change.name.value);
  if (found.group == nullptr) {
    section.problem("alert", no_such_rule(sources, change.name.value));
    return;
  }
  sources.changed.push_back(change.name);
  auto& rules = found.group->rules;
  if (change.enabled) {
    apply(section, std::move(change), std::get<Rule>(rules[found.at]));
  } else {
    rules.erase(rules.begin() + static_cast<std::ptrdiff_t>(found.at));
  }
}

// Whoever writes a rule anew has no use for changes to the old one: one of the two was not meant.
void check_changed(const RuleSources& sources, const std::vector<RuleGroup>& groups, config::Problems& problems) {
  for (const auto& changed : sources.changed) {
    for (const RuleGroup& group : groups) {
      for (const AnyRule& rule : group.rules) {
        if (!std::holds_alternative<Rule>(rule) || name_of(rule) != changed.value) continue;
        problems.add(changed.mark, "the rule " + quoted(changed.value) + " is written anew at " + place(mark_of(rule)) +
                                       "; change it there");
      }
    }
  }
}

}  // namespace

void declare(Section& top, RuleSources& sources) {
  configure_rules(top, sources.written);
  configure_rule_files(top, sources.files);
  declare_shipped(top, sources.shipped);
  sources.builtin = builtin_group();
  top.each("rule_changes",
           "what is to be different about single rules that come with the agent (those of shipped_rules, "
           "CollectorFailing, HistoryNotOnDisk, SeriesLeftOut)",
           [&](Section& section) { declare_change(section, sources); });
}

std::vector<RuleGroup> load_rules(RuleSources& sources, std::vector<std::string>& files, config::Problems& problems) {
  std::vector<RuleGroup> groups = std::move(sources.written);
  auto of_files = load_rule_files(sources.files, files, problems);
  std::move(of_files.begin(), of_files.end(), std::back_inserter(groups));
  check_changed(sources, groups, problems);
  add_unless_named(groups, std::move(sources.shipped));
  return groups;
}

}  // namespace sidewatch
