// What the parser looks up: how tightly operators bind, and which words of the language may be names.
//
// or < and unless < comparisons < + - < * / % atan2 and the unary signs < ^ (which leans right) < the suffixes [5m],
// offset and @.
#pragma once

#include <string_view>

#include "metrics/promql/ast.h"
#include "metrics/promql/lexer.h"

namespace sidewatch::promql {

struct OperatorRule {
  TokenKind token;
  BinaryOperator op;
  int precedence;  // the higher binds tighter
};
inline constexpr int unary_precedence = 5;

// Null when the token is no binary operator.
const OperatorRule* find_operator(TokenKind token);

// Of a TokenKind::aggregator's text.
AggregationOperator aggregation_of(std::string_view word);

// Words of the language are metric names where no operator can stand, and most are label names.
bool may_name_a_metric(TokenKind kind);
bool may_name_a_label(TokenKind kind);

bool may_begin_an_operand(TokenKind kind);

}  // namespace sidewatch::promql
