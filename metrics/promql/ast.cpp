// Types and spellings of the syntax tree's parts. See ast.h.
#include "metrics/promql/ast.h"

#include <type_traits>

#include "metrics/promql/functions.h"

namespace sidewatch::promql {

ValueType type_of(const Node::Kind& kind) {
  return std::visit(
      [](const auto& of) {
        using Kind = std::decay_t<decltype(of)>;
        if constexpr (std::is_same_v<Kind, NumberLiteral>) return ValueType::scalar;
        else if constexpr (std::is_same_v<Kind, StringLiteral>) return ValueType::string;
        else if constexpr (std::is_same_v<Kind, MatrixSelector> || std::is_same_v<Kind, Subquery>) {
          return ValueType::matrix;
        }
        else if constexpr (std::is_same_v<Kind, Call>) return of.function->returns;
        else if constexpr (std::is_same_v<Kind, Unary>) return of.operand->type;
        else if constexpr (std::is_same_v<Kind, Parenthesis>) return of.inner->type;
        else if constexpr (std::is_same_v<Kind, Binary>) {
          const bool scalars = of.left->type == ValueType::scalar && of.right->type == ValueType::scalar;
          return scalars ? ValueType::scalar : ValueType::vector;
        } else return ValueType::vector;  // VectorSelector, Aggregation
      },
      kind);
}

const Node& without_parentheses(const Node& node) {
  const Node* inner = &node;
  while (const auto* parenthesis = std::get_if<Parenthesis>(&inner->kind)) inner = parenthesis->inner.get();
  return *inner;
}

TimeShift* time_shift_of(Node& node) {
  if (auto* vector = std::get_if<VectorSelector>(&node.kind)) return &vector->shift;
  if (auto* matrix = std::get_if<MatrixSelector>(&node.kind)) return &matrix->selector.shift;
  if (auto* subquery = std::get_if<Subquery>(&node.kind)) return &subquery->shift;
  return nullptr;
}

bool is_comparison(BinaryOperator op) {
  return op >= BinaryOperator::equal && op <= BinaryOperator::greater_equal;
}

bool is_set_operator(BinaryOperator op) { return op >= BinaryOperator::set_and; }

bool has_parameter(AggregationOperator op) {
  return op == AggregationOperator::topk || op == AggregationOperator::bottomk ||
         op == AggregationOperator::quantile || op == AggregationOperator::count_values ||
         op == AggregationOperator::limit_ratio || op == AggregationOperator::limitk;
}

std::string_view to_string(BinaryOperator op) {
  switch (op) {
    case BinaryOperator::add: return "+";
    case BinaryOperator::subtract: return "-";
    case BinaryOperator::multiply: return "*";
    case BinaryOperator::divide: return "/";
    case BinaryOperator::modulo: return "%";
    case BinaryOperator::power: return "^";
    case BinaryOperator::atan2: return "atan2";
    case BinaryOperator::equal: return "==";
    case BinaryOperator::not_equal: return "!=";
    case BinaryOperator::less: return "<";
    case BinaryOperator::less_equal: return "<=";
    case BinaryOperator::greater: return ">";
    case BinaryOperator::greater_equal: return ">=";
    case BinaryOperator::set_and: return "and";
    case BinaryOperator::set_or: return "or";
    case BinaryOperator::set_unless: return "unless";
  }
  return {};
}

std::string_view to_string(AggregationOperator op) {
  switch (op) {
    case AggregationOperator::avg: return "avg";
    case AggregationOperator::bottomk: return "bottomk";
    case AggregationOperator::count: return "count";
    case AggregationOperator::count_values: return "count_values";
    case AggregationOperator::group: return "group";
    case AggregationOperator::limit_ratio: return "limit_ratio";
    case AggregationOperator::limitk: return "limitk";
    case AggregationOperator::max: return "max";
    case AggregationOperator::min: return "min";
    case AggregationOperator::quantile: return "quantile";
    case AggregationOperator::stddev: return "stddev";
    case AggregationOperator::stdvar: return "stdvar";
    case AggregationOperator::sum: return "sum";
    case AggregationOperator::topk: return "topk";
  }
  return {};
}

std::string_view to_string(ValueType type) {
  switch (type) {
    case ValueType::scalar: return "scalar";
    case ValueType::vector: return "instant vector";
    case ValueType::matrix: return "range vector";
    case ValueType::string: return "string";
  }
  return {};
}

}  // namespace sidewatch::promql
