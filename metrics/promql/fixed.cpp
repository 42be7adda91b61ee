// Which parts of an expression are the same at every instant: those that only look at times that `@` names. A range query
// evaluates them once.
#include <algorithm>
#include <array>
#include <string_view>
#include <type_traits>

#include "metrics/promql/ast.h"
#include "metrics/promql/functions.h"

namespace sidewatch::promql {
namespace {

// Functions that look at the time of the evaluation itself.
constexpr std::array<std::string_view, 11> functions_of_the_time = {
    "day_of_month", "day_of_week", "day_of_year",     "days_in_month", "hour", "minute",
    "month",        "year",        "predict_linear", "time",          "timestamp",
};

bool mark(NumberLiteral&) { return true; }
bool mark(StringLiteral&) { return true; }
bool mark(VectorSelector& selector) { return selector.shift.at.has_value(); }
bool mark(MatrixSelector& matrix) { return matrix.selector.shift.at.has_value(); }
bool mark(Subquery& subquery) {
  mark_fixed(*subquery.operand);
  return subquery.shift.at.has_value();
}
bool mark(Call& call) {
  bool fixed = std::ranges::find(functions_of_the_time, call.function->name) == functions_of_the_time.end();
  for (const NodePointer& argument : call.arguments) fixed = mark_fixed(*argument) && fixed;
  return fixed;
}
bool mark(Aggregation& aggregation) {
  const bool parameter = !aggregation.parameter || mark_fixed(*aggregation.parameter);
  return mark_fixed(*aggregation.operand) && parameter;
}
bool mark(Unary& unary) { return mark_fixed(*unary.operand); }
bool mark(Binary& binary) {
  const bool left = mark_fixed(*binary.left);
  return mark_fixed(*binary.right) && left;
}
bool mark(Parenthesis& parenthesis) { return mark_fixed(*parenthesis.inner); }

bool is_cheap(const Node& node) {
  return std::holds_alternative<NumberLiteral>(node.kind) || node.type == ValueType::string ||
         node.type == ValueType::matrix;
}

}  // namespace

bool mark_fixed(Node& node) {
  const bool fixed = std::visit([](auto& kind) { return mark(kind); }, node.kind);
  node.fixed = fixed && !is_cheap(node);
  return fixed;
}

}  // namespace sidewatch::promql
