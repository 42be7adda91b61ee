// The written reference of functions and aggregations: what `sidewatch reference --functions` prints and
// docs/functions.md holds.
#pragma once

#include <string>

namespace sidewatch::promql {

std::string functions_as_markdown();

}  // namespace sidewatch::promql
