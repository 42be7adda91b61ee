// Changing a rule that somebody else wrote; see rule_change.h.

#include "alerting/rule_change.h"

#include <utility>

namespace sidewatch {

using config::Section;

void declare(Section& section, RuleChange& change) {
  const auto delays = config::between(Duration(0), max_rule_delay);
  section.required("alert", change.name, "the rule's name");
  section.optional("enabled", change.enabled, "whether there is such an alert at all");
  section.optional("expr", change.expr, "another value to judge, such as one that leaves out a disk");
  declare_levels(section, change.levels);
  section.optional("keep_firing_for", change.keep_firing_for,
                   "how long the value must be clear before the alert resolves", delays);
  section.optional("cooldown", change.cooldown, "least time between two problem messages of one alert", delays);
  section.optional("no_data_after", change.no_data_after, "how long data must be missing before no_data applies", delays);
  section.optional("labels", change.labels, "further labels of the alert, as in {team: payments}; templates");
}

void apply(Section& section, RuleChange change, Rule& rule) {
  if (section.has("expr")) {
    if (auto expr = read_expression(section, change.expr)) rule.expr = std::move(expr);
  }
  change_levels(section, change.levels, rule.policy);
  if (change.keep_firing_for) rule.policy.keep_firing_for = *change.keep_firing_for;
  if (change.cooldown) rule.cooldown = *change.cooldown;
  if (change.no_data_after) rule.policy.no_data_after = *change.no_data_after;
  for (const auto& [name, value] : change.labels) {
    if (!check_label_name(section, name, value.mark)) continue;
    if (name.starts_with("__") || name == "alertname") {
      section.problem(value.mark, "the label " + quoted(name) + " is set by sidewatch itself");
    }
  }
  rule.labels = read_templates(section, change.labels, RuleSource::configuration, rule.labels);
}

}  // namespace sidewatch
