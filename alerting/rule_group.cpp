// Groups of rules and the recording rules in them; see rule_group.h.

#include "alerting/rule_group.h"

#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "alerting/rule_text.h"
#include "metrics/text.h"

namespace sidewatch {
namespace {

using config::Located;
using config::Section;

void declare_recording(Section& section, const NamedTemplates& inherited, RecordingRule& rule) {
  Located<std::string> name;
  Located<std::string> expr;
  LocatedTexts labels;
  section.required("record", name, "");
  section.required("expr", expr, "");
  section.optional("labels", labels, "");
  rule.name = read_rule_name(section, "record", name);
  rule.mark = section.mark("record");
  if (!rule.name.empty() && !is_legal_metric_name(rule.name)) {
    section.problem("record", quoted(rule.name) + " is not a metric name; letters, digits, '_' and ':', no digit first");
  }
  rule.expr = read_expression(section, expr);
  std::map<std::string, std::string> all;
  for (const auto& [label, text] : inherited) all[label] = text.text();
  for (const auto& [label, value] : labels) {
    if (!check_label_name(section, label, value.mark)) continue;
    if (label.starts_with("__")) section.problem(value.mark, "the label " + quoted(label) + " is set by sidewatch itself");
    all[label] = value.value;
  }
  for (const auto& [label, value] : all) rule.labels.push_back({label, value});
}

// Names that a file gives twice are numbered; a rule that is alone keeps its identity when others come behind it.
void identify(const RuleGroup& group, AnyRule& any, std::map<std::string, std::size_t>& taken) {
  const std::string file = group.file.substr(group.file.rfind('/') + 1);
  std::visit([&](auto& rule) {
    const std::string id = file + ";" + group.name + ";" + rule.name;
    const std::size_t before = taken[id]++;
    rule.id = before == 0 ? id : id + ";" + std::to_string(before + 1);
  }, any);
}

}  // namespace

const std::string& name_of(const AnyRule& any) {
  return std::visit([](const auto& rule) -> const std::string& { return rule.name; }, any);
}

const config::Mark& mark_of(const AnyRule& any) {
  return std::visit([](const auto& rule) -> const config::Mark& { return rule.mark; }, any);
}

void declare_any_rule(Section& section, RuleSource source, const NamedTemplates& inherited,
                      std::vector<AnyRule>& rules) {
  if (section.has("record") && section.has("alert")) {
    section.problem("record", "a rule either records or alerts; leave out one of record and alert");
  }
  if (section.has("record") && !section.has("alert")) {
    RecordingRule rule;
    declare_recording(section, inherited, rule);
    rules.emplace_back(std::move(rule));
    return;
  }
  Rule rule;
  declare_rule(section, source, inherited, rule);
  Located<std::string> record;
  section.optional("record", record,
                   "instead of `alert`: the name of the series that `expr` is written to; such a rule has only "
                   "`expr` and `labels` beside");
  if (!section.describing()) rules.emplace_back(std::move(rule));
}

void configure_rules(Section& top, std::vector<RuleGroup>& groups) {
  RuleGroup group;
  group.name = "rules";
  top.each("rules", "what is an alert, and when; what is recorded", [&](Section& section) {
    declare_any_rule(section, RuleSource::configuration, {}, group.rules);
  });
  if (top.describing() || group.rules.empty()) return;
  group.mark = top.mark("rules");
  group.file = group.mark.file;
  std::map<std::string, config::Mark> places;
  for (const AnyRule& any : group.rules) {
    const auto* rule = std::get_if<Rule>(&any);
    if (rule == nullptr) continue;
    const auto [first, is_new] = places.emplace(rule->name, rule->mark);
    if (is_new || rule->name.empty()) continue;
    top.problem(rule->mark, "the rule " + quoted(rule->name) + " is already defined at " + place(first->second));
  }
  groups.push_back(std::move(group));
}

RuleGroup builtin_group() {
  RuleGroup builtin;
  builtin.name = builtin.file = builtin_file;
  builtin.mark.file = builtin_file;
  for (Rule& rule : builtin_rules()) builtin.rules.emplace_back(std::move(rule));
  return builtin;
}

void add_unless_named(std::vector<RuleGroup>& groups, std::vector<RuleGroup> further) {
  std::set<std::string, std::less<>> taken;
  for (const RuleGroup& group : groups) {
    for (const AnyRule& any : group.rules) {
      if (std::holds_alternative<Rule>(any)) taken.insert(name_of(any));
    }
  }
  for (RuleGroup& group : further) {
    std::erase_if(group.rules, [&](const AnyRule& any) {
      return std::holds_alternative<Rule>(any) && taken.contains(name_of(any));
    });
    if (!group.rules.empty()) groups.push_back(std::move(group));
  }
}

void identify(std::vector<RuleGroup>& groups) {
  std::map<std::string, std::size_t> taken;
  for (RuleGroup& group : groups) {
    for (AnyRule& any : group.rules) identify(group, any, taken);
  }
}

std::size_t count_rules(const std::vector<RuleGroup>& groups) {
  std::size_t count = 0;
  for (const RuleGroup& group : groups) count += group.rules.size();
  return count;
}

}  // namespace sidewatch
