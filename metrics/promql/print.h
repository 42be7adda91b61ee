// Parts of the canonical spelling that do not depend on how an expression is broken into lines.
#pragma once

#include <string>

#include "metrics/promql/ast.h"

namespace sidewatch::promql {

std::string spelled_head(const Aggregation& aggregation);  // "sum by (job) "; "sum" without a grouping
std::string spelled_operator(const Binary& binary);        // "== bool on (a) group_left ()"
std::string spelled_window(const Subquery& subquery);      // "[5m:30s] offset 1m"

}  // namespace sidewatch::promql
