// An alerting rule as it is written, checked: its expression parses, its levels are in order, its clear values are on
// the right side, its templates know what they name. A Rule in hand can be evaluated.
//
// There are two kinds. A rule with levels has an expression that gives a value, and thresholds that judge it: the alert
// sees the value also when all is well again. A rule in Prometheus's form has no levels: its expression filters, and
// whatever it gives is an alert for as long as it is given (`by_presence`).
#pragma once

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
  std::string name;    // the alertname
  std::string id;      // what its alerts are known by over restarts and reloads; empty: the name
  config::Mark mark;   // where it is written
  std::optional<promql::Expression> expr;  // absent only where reading it was a problem
  bool by_presence = false;                // in Prometheus's form
  bool keeps_without_series = false;       // by_presence: `no_data` decides when what it selects has no samples at all
  Policy policy;                           // by_presence: presence_policy()
  std::string unit;  // of the value: as written, or as the expression tells it; empty: not known
  Duration cooldown = std::chrono::minutes(5);
  std::vector<std::pair<std::string, Template>> labels;       // in order of name
  std::vector<std::pair<std::string, Template>> annotations;  // likewise

  const std::string& identity() const { return id.empty() ? name : id; }

  // Equal when the rule means the same: expression, thresholds, delays. Labels, texts and cooldown may differ.
  std::string fingerprint() const;
};

// How the state machine judges a rule in Prometheus's form: what it is shown is not the value but presence_value(), of
// the level that the alert's severity stands for.
Policy presence_policy(const Hold& hold, Duration keep_firing_for);
double presence_value(Level level);  // Level::ok: the expression does not give it

// The level that a `severity` label stands for: "critical" and "page" are critical, whatever the case of the letters;
// every other word, and none, is a warning.
Level level_of_severity(std::string_view severity);

enum class RuleSource {
  configuration,    // `rules:` of ours: what is most likely a mistake is one
  prometheus_file,  // a rule file: what Prometheus loads is loaded
};

// Declares the keys of one alerting rule and reads it. `inherited`: labels of its group, which its own replace.
void declare_rule(config::Section& section, RuleSource source, const std::vector<std::pair<std::string, Template>>& inherited,
                  Rule& rule);

// What the agent watches about itself: CollectorFailing.
std::vector<Rule> builtin_rules();

}  // namespace sidewatch
