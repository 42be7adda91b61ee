// Reading alerting rules: what a person writes, checked until nothing about it can go wrong while it runs.

#include "alerting/rule.h"

#include <algorithm>
#include <utility>

#include "alerting/alert.h"
#include "alerting/rule_levels.h"
#include "alerting/rule_text.h"
#include "alerting/rule_value.h"
#include "config/literals.h"
#include "metrics/promql/ast.h"

namespace sidewatch {
namespace {

using config::Located;
using config::Section;

bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

const config::Between<Duration> delay_range = config::between(Duration(0), max_rule_delay);

// Everything of a rule that is checked once all of it is read.
struct RuleText {
  Located<std::string> name;
  Located<std::string> expr;
  LevelsText levels;
  LocatedTexts labels;
  LocatedTexts annotations;
  std::optional<Located<std::string>> summary;
  std::optional<Located<std::string>> description;
  std::optional<Located<std::string>> unit;
};

void declare_texts(Section& section, RuleText& text) {
  section.optional("labels", text.labels, "labels added to the alert, as in {team: payments}; templates");
  section.optional("summary", text.summary, "one line about the alert; a template, such as \"{{ $labels.mountpoint "
                   "}} is {{ $value | humanize }} % full\"");
  section.optional("description", text.description, "more about the alert, such as what to do; a template");
  section.optional("unit", text.unit, "the unit of the value, for messages: bytes, seconds, percent, ratio (0 to 1), or "
                   "any word, such as requests/s; without it the names of the metrics tell it where they can");
  section.optional("annotations", text.annotations,
                   "further texts about the alert by name, as in {runbook_url: \"https://...\"}; templates");
}

void declare_fields(Section& section, RuleText& text, Rule& rule) {
  Policy& policy = rule.policy;
  const std::string_view name_help = "the rule's name, unique; it becomes the label `alertname`";
  if (section.describing()) {  // a rule with `record` has none
    section.optional("alert", text.name, name_help);
  } else {
    section.required("alert", text.name, name_help);
  }
  section.required("expr", text.expr,
                   "the value that is judged, as PromQL over the agent's own samples, without a comparison");
  declare_levels(section, text.levels);
  section.optional("keep_firing_for", policy.keep_firing_for,
                   "how long the value must be clear before the alert resolves", delay_range);
  section.optional("cooldown", rule.cooldown,
                   "least time between two problem messages of one alert, also when it resolves and fires again in "
                   "between", delay_range);
  section.choice(
      "no_data", policy.no_data,
      {{"keep", NoData::keep}, {"ok", NoData::ok}, {"warning", NoData::warning}, {"critical", NoData::critical}},
      "what a series counts as that has had no data for no_data_after: its last level (keep), ok, warning or "
      "critical");
  section.optional("no_data_after", policy.no_data_after,
                   "how long data must be missing before no_data applies", delay_range);
  declare_texts(section, text);
}

// --- expr ---

// A comparison at the top gives a value only while it holds: the alert would never see that the problem is over.
void check_not_filtering(Section& section, const Located<std::string>& text, const Rule& rule) {
  const auto& root = promql::without_parentheses(rule.expr->root());
  const auto* binary = std::get_if<promql::Binary>(&root.kind);
  if (binary == nullptr || !promql::is_comparison(binary->op) || binary->returns_bool) return;
  if (rule.policy.no_data == NoData::ok) return;
  section.problem(place_inside(text, binary->operator_offset),
                  "the expression has a value only while the comparison holds, so its alert could not see that the "
                  "problem is over; leave the comparison out here and write it under warning or critical (or set "
                  "no_data: ok)");
}

// --- the two kinds ---

void read_presence(Section& section, const RuleText& text, Rule& rule) {
  rule.by_presence = true;
  rule.keeps_without_series = section.has("no_data");
  if (section.has("clear")) section.problem("clear", "clear belongs to warning or critical, and this rule has neither");
  const Policy presence = presence_policy(text.levels.hold.value_or(HoldText{}).hold, rule.policy.keep_firing_for);
  rule.policy.warning = presence.warning;
  rule.policy.critical = presence.critical;
}

// `rules:` of a configuration has levels only: without, and without a comparison, a rule would fire for ever.
void read_kind(Section& section, RuleSource source, RuleText& text, Rule& rule) {
  const bool has_levels = section.has("warning") || section.has("critical");
  if (!has_levels && source == RuleSource::prometheus_file) return read_presence(section, text, rule);
  if (!has_levels) {
    section.problem(section.mark(), "the rule has neither warning nor critical; write for instance warning: \"> 80\" "
                                    "(a rule of Prometheus belongs into a file under rule_files)");
  }
  if (rule.expr) check_not_filtering(section, text.expr, rule);
  read_levels(section, text.levels, rule.policy);
}

// --- texts ---

void read_unit(Section& section, const RuleText& text, Rule& rule) {
  constexpr std::size_t longest_unit = 32;
  if (!text.unit) {
    if (rule.expr) rule.unit = unit_of(*rule.expr);
  } else if (text.unit->value.size() > longest_unit || has_control_characters(text.unit->value)) {
    section.problem(text.unit->mark, "a unit is one short word, such as bytes or requests/s");
  } else {
    rule.unit = text.unit->value;
  }
}

void read_texts(Section& section, RuleSource source, const NamedTemplates& inherited, RuleText& text, Rule& rule) {
  for (const auto& [name, value] : text.labels) {
    if (!check_label_name(section, name, value.mark)) continue;
    if (name.starts_with("__") || (source == RuleSource::configuration && name == "alertname")) {
      section.problem(value.mark, "the label " + quoted(name) + " is set by sidewatch itself");
    }
  }
  rule.labels = read_templates(section, text.labels, source, inherited);
  for (const auto& [name, value] : text.annotations) check_label_name(section, name, value.mark);
  for (const auto& [name, given] : {std::pair{"summary", &text.summary}, std::pair{"description", &text.description}}) {
    if (!*given) continue;
    if (text.annotations.contains(name)) {
      section.problem(name, std::string(name) + " stands under annotations, too; leave one of them out");
    }
    text.annotations[name] = **given;
  }
  rule.annotations = read_templates(section, text.annotations, source);
}

std::string describe(const std::optional<LevelPolicy>& level) {
  if (!level) return "-";
  const auto& [threshold, hold] = *level;
  return to_string(threshold) + "/" + (threshold.clear ? config::write_number(*threshold.clear) : "-") + "/" +
         std::to_string(hold.duration.count()) + "/" + std::to_string(hold.at_least) + "/" + std::to_string(hold.of);
}

}  // namespace

std::string Rule::fingerprint() const {
  const std::string meaning = (expr ? expr->text() : "") + "\n" + describe(policy.warning) + "\n" +
                              describe(policy.critical) + "\n" + std::to_string(policy.keep_firing_for.count()) + "\n" +
                              std::string(to_string(policy.no_data)) + "\n" +
                              std::to_string(policy.no_data_after.count()) + (by_presence ? "\npresence" : "");
  return to_hex(stable_hash(meaning));
}

Policy presence_policy(const Hold& hold, Duration keep_firing_for) {
  Policy policy;
  policy.warning = LevelPolicy{{Comparison::greater_or_equal, presence_value(Level::warning), {}}, hold};
  policy.critical = LevelPolicy{{Comparison::greater_or_equal, presence_value(Level::critical), {}}, hold};
  policy.keep_firing_for = keep_firing_for;
  return policy;
}

double presence_value(Level level) {
  switch (level) {
    case Level::ok: return 0;
    case Level::warning: return 1;
    case Level::critical: return 2;
  }
  return 0;
}

Level level_of_severity(std::string_view severity) {
  std::string lower(severity);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower == "critical" || lower == "page" ? Level::critical : Level::warning;
}

void declare_rule(Section& section, RuleSource source, const NamedTemplates& inherited, Rule& rule) {
  RuleText text;
  declare_fields(section, text, rule);
  if (section.describing()) return;
  rule.name = read_rule_name(section, "alert", text.name);
  rule.mark = section.mark("alert");
  rule.expr = read_expression(section, text.expr);
  read_kind(section, source, text, rule);
  read_unit(section, text, rule);
  read_texts(section, source, inherited, text, rule);
}

}  // namespace sidewatch
