// Rules in Prometheus's form: what an expression gives is an alert for as long as it is given. An alert is known by its
// labels, those of the rule included, so that a templated label that changes makes another alert of it.
#pragma once

#include <vector>

#include "alerting/notification.h"
#include "alerting/rule.h"
#include "alerting/template.h"
#include "base/result.h"
#include "metrics/labels.h"
#include "metrics/promql/expression.h"

namespace sidewatch {

struct Presence {
  Labels entity;  // of the sample and the rule, without __name__ and alertname
  Labels sample;  // of the sample alone: $labels
  double value = 0;
  Level level = Level::warning;
};

// Error: two of them would have the same labels.
Result<std::vector<Presence>> presences_of(const Rule& rule, promql::Vector samples, const TemplateScope& scope);

// The worse of two values where the expression has no threshold to say it: the lower one when it asks for what is below
// something, the higher one otherwise. Anything is worse than NaN.
double worse_of(const promql::Expression& expression, double a, double b);

}  // namespace sidewatch
