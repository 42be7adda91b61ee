// What /api/v1/query_exemplars answers: the exemplars of the series that an expression asks about, in Prometheus's shape.
#pragma once

#include "agent/api/context.h"
#include "agent/api/envelope.h"
#include "base/time.h"
#include "metrics/promql/expression.h"

namespace sidewatch {

// Those from `start` to `end`, of every series that any selector of the expression takes.
ApiData exemplars_of(const QueryContext& context, const promql::Expression& expression, WallTime start, WallTime end);

}  // namespace sidewatch
