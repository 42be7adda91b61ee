// Text -> tree by Prometheus 2.42's grammar; what that refuses may still be an expression of later versions. All but
// selectors, which have a file of their own. See parser_rules.h.
#include "metrics/promql/parser.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "metrics/promql/characters.h"
#include "metrics/promql/functions.h"
#include "metrics/promql/literals.h"
#include "metrics/promql/parser_rules.h"

namespace sidewatch::promql {

NodePointer Parser::parse() {
  advance();
  if (token_.kind == TokenKind::end) fail("no expression found in input", 0);
  NodePointer root = expression(0);
  if (token_.kind != TokenKind::end) unexpected();
  return root;
}

NodePointer Parser::expression(int least_precedence) {
  const Nesting nesting(*this);
  NodePointer left = signed_operand();
  while (const OperatorRule* rule = find_operator(token_.kind)) {
    if (rule->precedence < least_precedence) break;
    left = operation(*rule, std::move(left));
  }
  return left;
}

NodePointer Parser::operation(const OperatorRule& rule, NodePointer left) {
  Binary binary;
  binary.op = rule.op;
  binary.operator_offset = take().offset;
  binary.returns_bool = accept(TokenKind::boolean);
  binary.matching = matching();
  const bool leans_right = rule.op == BinaryOperator::power;
  binary.right = expression(leans_right ? rule.precedence : rule.precedence + 1);
  binary.left = std::move(left);
  const std::size_t begin = binary.left->offset;
  const std::uint32_t depth = std::max(binary.left->depth, binary.right->depth);
  return make(std::move(binary), begin, depth);
}

NodePointer Parser::signed_operand() {
  if (token_.kind != TokenKind::add && token_.kind != TokenKind::subtract) return operand();
  const Token sign = take();
  const bool negative = sign.kind == TokenKind::subtract;
  // Binds like *, so -1^2 is -(1^2).
  NodePointer inner = expression(unary_precedence + 1);
  if (auto* literal = std::get_if<NumberLiteral>(&inner->kind)) {
    if (negative) literal->value = -literal->value;
    inner->offset = sign.offset;
    return inner;
  }
  const std::uint32_t depth = inner->depth;
  return make(Unary{negative, std::move(inner)}, sign.offset, depth);
}

// A primary and its suffixes.
NodePointer Parser::operand() {
  NodePointer node = primary();
  while (true) {
    switch (token_.kind) {
      case TokenKind::left_bracket: node = range(std::move(node)); break;
      case TokenKind::offset: offset_modifier(*node); break;
      case TokenKind::at: at_modifier(*node); break;
      default: return node;
    }
  }
}

NodePointer Parser::primary() {
  if (dialect_ == Dialect::later && token_.kind == TokenKind::duration) return duration_literal();
  switch (token_.kind) {
    case TokenKind::number: return number();
    case TokenKind::string: {
      const Token token = take();
      return make(StringLiteral{unquoted(token.text)}, token.offset, 0);
    }
    case TokenKind::left_paren: return parenthesis();
    case TokenKind::left_brace: return selector(std::nullopt);
    default: break;
  }
  if (!may_name_a_metric(token_.kind)) unexpected();
  const Token name = take();
  const bool opens = token_.kind == TokenKind::left_paren;
  if (name.kind == TokenKind::identifier && opens) return call(name);
  if (name.kind == TokenKind::aggregator) {
    const bool grouped = token_.kind == TokenKind::by || token_.kind == TokenKind::without;
    if (opens || grouped) return aggregation(name);
  }
  return selector(name);
}

NodePointer Parser::number() {
  const std::size_t begin = token_.offset;
  return make(NumberLiteral{take_number()}, begin, 0);
}

// 1m is 60.
NodePointer Parser::duration_literal() {
  const std::size_t begin = token_.offset;
  return make(NumberLiteral{to_seconds(take_duration())}, begin, 0);
}

NodePointer Parser::parenthesis() {
  const Token open = take();
  NodePointer inner = expression(0);
  if (!accept(TokenKind::right_paren)) unexpected();
  const std::uint32_t depth = inner->depth;
  return make(Parenthesis{std::move(inner)}, open.offset, depth);
}

NodePointer Parser::call(const Token& name) {
  Call call;
  call.arguments = arguments();
  call.function = find_function(name.text);
  if (call.function == nullptr) fail("unknown function with name " + quoted(name.text), name.offset);
  std::uint32_t depth = 0;
  for (const NodePointer& argument : call.arguments) depth = std::max(depth, argument->depth);
  return make(std::move(call), name.offset, depth);
}

// ( expression, expression )
std::vector<NodePointer> Parser::arguments() {
  advance();
  std::vector<NodePointer> arguments;
  if (accept(TokenKind::right_paren)) return arguments;
  while (true) {
    arguments.push_back(expression(0));
    if (accept(TokenKind::right_paren)) return arguments;
    if (token_.kind != TokenKind::comma) unexpected();
    const Token comma = take();
    if (token_.kind == TokenKind::right_paren || token_.kind == TokenKind::comma) {
      fail("trailing commas not allowed in function call args", comma.offset);
    }
  }
}

NodePointer Parser::aggregation(const Token& name) {
  Aggregation aggregation;
  aggregation.op = aggregation_of(name.text);
  const auto accept_grouping = [&] {
    if (token_.kind != TokenKind::by && token_.kind != TokenKind::without) return false;
    aggregation.without = take().kind == TokenKind::without;
    aggregation.grouping = grouping();
    return true;
  };

  ++inside_aggregations_;
  const bool grouped = accept_grouping();
  if (token_.kind != TokenKind::left_paren) unexpected();
  std::vector<NodePointer> arguments = this->arguments();
  if (!grouped) accept_grouping();
  --inside_aggregations_;

  if (arguments.empty()) fail("no arguments for aggregate expression provided", name.offset);
  const std::size_t wanted = has_parameter(aggregation.op) ? 2 : 1;
  if (arguments.size() != wanted) {
    fail("wrong number of arguments for aggregate expression provided, expected " + std::to_string(wanted) + ", got " +
             std::to_string(arguments.size()),
         name.offset);
  }
  std::uint32_t depth = arguments.back()->depth;
  aggregation.operand = std::move(arguments.back());
  if (wanted == 2) {
    depth = std::max(depth, arguments.front()->depth);
    aggregation.parameter = std::move(arguments.front());
  }
  return make(std::move(aggregation), name.offset, depth);
}

// on (a, b) group_left (c), all of it optional
Matching Parser::matching() {
  Matching matching;
  if (token_.kind != TokenKind::on && token_.kind != TokenKind::ignoring) return matching;
  matching.on = take().kind == TokenKind::on;
  matching.labels = grouping();
  if (token_.kind == TokenKind::group_left || token_.kind == TokenKind::group_right) {
    const bool left = take().kind == TokenKind::group_left;
    matching.cardinality = left ? Cardinality::many_to_one : Cardinality::one_to_many;
    if (token_.kind == TokenKind::left_paren || !may_begin_an_operand(token_.kind)) matching.include = grouping();
  }
  return matching;
}

// (a, b,)
std::vector<std::string> Parser::grouping() {
  if (!accept(TokenKind::left_paren)) unexpected("grouping opts", "\"(\"");
  std::vector<std::string> labels;
  while (!accept(TokenKind::right_paren)) {
    if (!may_name_a_label(token_.kind) || !is_label_name(token_.text)) unexpected("grouping opts", "label");
    labels.emplace_back(take().text);
    if (accept(TokenKind::right_paren)) break;
    if (!accept(TokenKind::comma)) unexpected("grouping opts", "\",\" or \")\"");
  }
  return labels;
}

NodePointer Parser::make(Node::Kind kind, std::size_t offset, std::uint32_t depth_below) {
  if (depth_below >= max_expression_depth) too_deep(offset);
  auto node = std::make_unique<Node>();
  node->kind = std::move(kind);
  node->type = type_of(node->kind);
  node->offset = offset;
  node->slot = slots_++;
  node->depth = depth_below + 1;
  return node;
}

void Parser::advance() {
  token_ = lexer_.next();
  if (token_.kind == TokenKind::error) fail(lexer_.error(), token_.offset);
}

Token Parser::take() {
  const Token taken = token_;
  advance();
  return taken;
}

bool Parser::accept(TokenKind kind) {
  if (token_.kind != kind) return false;
  advance();
  return true;
}

double Parser::take_number() {
  const auto number = parse_number(token_.text);
  if (!number) fail(number.error().what, token_.offset);
  advance();
  return *number;
}

void Parser::unexpected(std::string_view context, std::string_view expected) const {
  if (context.empty() && inside_aggregations_ > 0) context = "aggregation";
  std::string what = "unexpected " + token_.describe();
  if (!context.empty()) what.append(" in ").append(context);
  if (!expected.empty()) what.append(", expected ").append(expected);
  fail(std::move(what), token_.offset);
}

namespace {

// What 2.42 refused with `failure`. Throws where later versions refuse it too.
NodePointer parse_later(std::string_view text, const ParseFailure& failure) {
  try {
    return Parser(text, Dialect::later).parse();
  } catch (const ParseFailure& later) {
    throw later.understood ? later : failure;
  }
}

NodePointer parse_either(std::string_view text) {
  try {
    return Parser(text, Dialect::prometheus_2_42).parse();
  } catch (const ParseFailure& failure) {
    return parse_later(text, failure);
  }
}

}  // namespace

Result<NodePointer> parse_expression(std::string_view text) {
  if (text.size() > max_expression_bytes) {
    return Error{"expression longer than " + std::to_string(max_expression_bytes) + " bytes (max_expression_bytes)",
                 "1:1"};
  }
  try {
    return parse_either(text);
  } catch (const ParseFailure& failure) {
    return Error{failure.what, line_and_column(text, failure.offset)};
  }
}

}  // namespace sidewatch::promql
