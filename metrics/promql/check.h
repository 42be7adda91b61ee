// Whether an expression makes sense: argument counts and types, operators between the right kinds of values,
// selectors that select something in particular.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "metrics/promql/ast.h"

namespace sidewatch::promql {

struct Mistake {
  std::string what;
  std::size_t offset = 0;  // in the text, in bytes
};

// The first mistake in Prometheus's order, if any. Completes what the types decide (a set operator's cardinality).
std::optional<Mistake> check(Node& node);

}  // namespace sidewatch::promql
