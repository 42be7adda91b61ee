// What a rule measures, read off its expression: in which unit, and for a rule in Prometheus's form, which value is
// compared with which threshold.
//
// Units are told by the names of the metrics, as their naming rules have it (node_memory_MemFree_bytes), and followed
// through what the expression does to them: a rate of bytes is bytes/s, bytes by bytes are a ratio, 100 times a ratio is
// percent. Where anything is in doubt there is no unit: a wrong one is worse than none.
#pragma once

#include <optional>
#include <string>

#include "alerting/threshold.h"
#include "metrics/promql/expression.h"

namespace sidewatch {

// As human_value() knows it; empty: not known.
std::string unit_of(const promql::Expression& expression);

// `http_errors > 5` is the value `http_errors` and the threshold `> 5`. Absent where the expression is no comparison
// with a number at its top.
struct Comparing {
  promql::Expression value;
  Threshold threshold;
};
std::optional<Comparing> split_comparison(const promql::Expression& expression);

}  // namespace sidewatch
