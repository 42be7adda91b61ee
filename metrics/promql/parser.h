// Tokens -> syntax tree, by precedence climbing; syntax errors only (check.h judges types).
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"
#include "metrics/promql/ast.h"

namespace sidewatch::promql {

inline constexpr std::size_t max_expression_bytes = 64 * 1024;
inline constexpr std::size_t max_expression_depth = 256;  // of nested parentheses, calls and operators

// Error::where is "line:column", 1-based, in characters.
Result<NodePointer> parse_expression(std::string_view text);

}  // namespace sidewatch::promql
