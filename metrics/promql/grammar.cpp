// The tables of operators and words. See grammar.h.
#include "metrics/promql/grammar.h"

#include <algorithm>
#include <array>

#include "metrics/promql/characters.h"

namespace sidewatch::promql {
namespace {

constexpr std::array operator_rules = {
    OperatorRule{TokenKind::set_or, BinaryOperator::set_or, 1},
    OperatorRule{TokenKind::set_and, BinaryOperator::set_and, 2},
    OperatorRule{TokenKind::set_unless, BinaryOperator::set_unless, 2},
    OperatorRule{TokenKind::equal, BinaryOperator::equal, 3},
    OperatorRule{TokenKind::not_equal, BinaryOperator::not_equal, 3},
    OperatorRule{TokenKind::less, BinaryOperator::less, 3},
    OperatorRule{TokenKind::less_equal, BinaryOperator::less_equal, 3},
    OperatorRule{TokenKind::greater, BinaryOperator::greater, 3},
    OperatorRule{TokenKind::greater_equal, BinaryOperator::greater_equal, 3},
    OperatorRule{TokenKind::add, BinaryOperator::add, 4},
    OperatorRule{TokenKind::subtract, BinaryOperator::subtract, 4},
    OperatorRule{TokenKind::multiply, BinaryOperator::multiply, unary_precedence},
    OperatorRule{TokenKind::divide, BinaryOperator::divide, unary_precedence},
    OperatorRule{TokenKind::modulo, BinaryOperator::modulo, unary_precedence},
    OperatorRule{TokenKind::atan2, BinaryOperator::atan2, unary_precedence},
    OperatorRule{TokenKind::power, BinaryOperator::power, 6},
};

constexpr std::array all_aggregations = {
    AggregationOperator::avg,          AggregationOperator::bottomk,  AggregationOperator::count,
    AggregationOperator::count_values, AggregationOperator::group,    AggregationOperator::limit_ratio,
    AggregationOperator::limitk,       AggregationOperator::max,      AggregationOperator::min,
    AggregationOperator::quantile,     AggregationOperator::stddev,   AggregationOperator::stdvar,
    AggregationOperator::sum,          AggregationOperator::topk,
};

}  // namespace

const OperatorRule* find_operator(TokenKind token) {
  for (const OperatorRule& rule : operator_rules) {
    if (rule.token == token) return &rule;
  }
  return nullptr;
}

AggregationOperator aggregation_of(std::string_view word) {
  const std::string lower = to_lower(word);
  return *std::ranges::find_if(all_aggregations, [&](AggregationOperator op) { return to_string(op) == lower; });
}

bool may_name_a_metric(TokenKind kind) {
  switch (kind) {
    case TokenKind::identifier:
    case TokenKind::metric_identifier:
    case TokenKind::aggregator:
    case TokenKind::by:
    case TokenKind::without:
    case TokenKind::offset:
    case TokenKind::set_and:
    case TokenKind::set_or:
    case TokenKind::set_unless:
    case TokenKind::start:
    case TokenKind::finish: return true;
    default: return false;
  }
}

bool may_begin_an_operand(TokenKind kind) {
  switch (kind) {
    case TokenKind::number:
    case TokenKind::string:
    case TokenKind::left_paren:
    case TokenKind::left_brace:
    case TokenKind::add:
    case TokenKind::subtract: return true;
    default: return may_name_a_metric(kind);
  }
}

bool may_name_a_label(TokenKind kind) {
  switch (kind) {
    case TokenKind::without: return false;
    case TokenKind::boolean:
    case TokenKind::group_left:
    case TokenKind::group_right:
    case TokenKind::ignoring:
    case TokenKind::on:
    case TokenKind::atan2: return true;
    default: return may_name_a_metric(kind);
  }
}

}  // namespace sidewatch::promql
