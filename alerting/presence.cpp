// See presence.h. The semantics are those of Prometheus's rules/alerting.go.

#include "alerting/presence.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <utility>

#include "metrics/promql/ast.h"

namespace sidewatch {
namespace {

// The comparison that decides, looking into the side of the problem: `x < 5 and on() y`, `max(x) < 5`.
bool asks_for_less(const promql::Node& node) {
  const auto& root = promql::without_parentheses(node);
  if (const auto* aggregation = std::get_if<promql::Aggregation>(&root.kind)) return asks_for_less(*aggregation->operand);
  const auto* binary = std::get_if<promql::Binary>(&root.kind);
  if (binary == nullptr) return false;
  if (promql::is_set_operator(binary->op)) return asks_for_less(*binary->left);
  return binary->op == promql::BinaryOperator::less || binary->op == promql::BinaryOperator::less_equal;
}

}  // namespace

Result<std::vector<Presence>> presences_of(const Rule& rule, promql::Vector samples, const TemplateScope& scope) {
  std::vector<Presence> found;
  found.reserve(samples.size());
  std::unordered_set<Labels, LabelsHash> seen;
  for (auto& sample : samples) {
    Presence presence;
    presence.value = sample.value;
    presence.entity = sample.labels.without("__name__").without("alertname");
    const TemplateData data{sample.value, sample.labels, Level::ok, &scope, NumberStyle::as_go};
    for (const auto& [name, value] : rule.labels) {
      if (name != "alertname") presence.entity = presence.entity.with(name, value.render(data));
    }
    if (!seen.insert(presence.entity).second) {
      return Error{"vector contains metrics with the same labelset after applying alert labels", ""};
    }
    presence.level = level_of_severity(presence.entity.get("severity"));
    presence.sample = std::move(sample.labels);
    found.push_back(std::move(presence));
  }
  return found;
}

double worse_of(const promql::Expression& expression, double a, double b) {
  if (std::isnan(a)) return b;
  if (std::isnan(b)) return a;
  return asks_for_less(expression.root()) ? std::min(a, b) : std::max(a, b);
}

}  // namespace sidewatch
