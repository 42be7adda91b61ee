// See rule_view.h.

#include "alerting/rule_view.h"

#include <utility>

namespace sidewatch {
namespace {

Labels as_written(const std::vector<std::pair<std::string, Template>>& texts) {
  std::vector<Label> labels;
  for (const auto& [name, text] : texts) labels.push_back({name, text.text()});
  return Labels(std::move(labels));
}

}  // namespace

std::string_view to_string(RuleHealth health) {
  switch (health) {
    case RuleHealth::unknown: return "unknown";
    case RuleHealth::ok: return "ok";
    case RuleHealth::err: return "err";
  }
  return "unknown";
}

std::string_view to_string(RuleState state) {
  switch (state) {
    case RuleState::inactive: return "inactive";
    case RuleState::pending: return "pending";
    case RuleState::firing: return "firing";
  }
  return "inactive";
}

std::shared_ptr<const RuleDescription> describe(const Rule& rule) {
  auto view = std::make_shared<RuleDescription>();
  view->kind = RuleDescription::Kind::alerting;
  view->name = rule.name;
  view->id = rule.identity();
  if (rule.expr) view->query = rule.expr->text();
  view->labels = as_written(rule.labels);
  view->annotations = as_written(rule.annotations);
  const auto& lowest = rule.policy.warning ? rule.policy.warning : rule.policy.critical;
  if (lowest) view->duration = lowest->hold.duration;
  view->keep_firing_for = rule.policy.keep_firing_for;
  if (rule.by_presence) return view;
  if (rule.policy.warning) view->warning = to_string(rule.policy.warning->threshold);
  if (rule.policy.critical) view->critical = to_string(rule.policy.critical->threshold);
  return view;
}

std::shared_ptr<const RuleDescription> describe(const RecordingRule& rule) {
  auto view = std::make_shared<RuleDescription>();
  view->kind = RuleDescription::Kind::recording;
  view->name = rule.name;
  view->id = rule.identity();
  if (rule.expr) view->query = rule.expr->text();
  view->labels = Labels(rule.labels);
  return view;
}

}  // namespace sidewatch
