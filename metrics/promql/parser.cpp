// One function for each rule of the grammar, one token ahead; how tightly operators bind is in grammar.cpp. A syntax
// error leaves the depths as a ParseFailure, which never leaves this file.
#include "metrics/promql/parser.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "metrics/promql/characters.h"
#include "metrics/promql/functions.h"
#include "metrics/promql/grammar.h"
#include "metrics/promql/lexer.h"
#include "metrics/promql/literals.h"

namespace sidewatch::promql {
namespace {

struct ParseFailure {
  std::string what;
  std::size_t offset;
};

constexpr double furthest_ms = 1e18;  // a time so far away that no sum with a duration overflows

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  NodePointer parse();

 private:
  NodePointer expression(int least_precedence);
  NodePointer operation(const OperatorRule& rule, NodePointer left);
  NodePointer signed_operand();
  NodePointer operand();
  NodePointer primary();
  NodePointer number();
  NodePointer parenthesis();
  NodePointer call(const Token& name);
  std::vector<NodePointer> arguments();
  NodePointer aggregation(const Token& name);
  NodePointer selector(std::optional<Token> name);
  std::vector<Matcher> matchers();
  Matcher matcher();
  NodePointer range(NodePointer inner);
  NodePointer subquery(NodePointer operand, Duration range);
  void offset_modifier(Node& node);
  void at_modifier(Node& node);
  Matching matching();
  std::vector<std::string> grouping();

  NodePointer make(Node::Kind kind, std::size_t offset, std::uint32_t depth_below);
  void advance();
  Token take();
  bool accept(TokenKind kind);
  Duration take_duration();
  double take_number();
  [[noreturn]] void unexpected(std::string_view context = {}, std::string_view expected = {}) const;
  [[noreturn]] static void fail(std::string what, std::size_t offset) { throw ParseFailure{std::move(what), offset}; }

  // Counts how deep expressions stand in one another, so that no text can exhaust the stack.
  class Nesting {
   public:
    explicit Nesting(Parser& parser) : parser_(parser) {
      if (++parser_.nesting_ > max_expression_depth) too_deep(parser_.token_.offset);
    }
    ~Nesting() { --parser_.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    Parser& parser_;
  };
  [[noreturn]] static void too_deep(std::size_t offset) {
    fail("expression nested deeper than " + std::to_string(max_expression_depth) + " (max_expression_depth)", offset);
  }

  Lexer lexer_;
  Token token_;  // the next one, not yet taken
  std::uint32_t slots_ = 0;
  std::size_t nesting_ = 0;
  int inside_aggregations_ = 0;
};

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

NodePointer Parser::selector(std::optional<Token> name) {
  VectorSelector selector;
  const std::size_t begin = name ? name->offset : token_.offset;
  if (token_.kind == TokenKind::left_brace) selector.matchers = matchers();
  if (name) {
    selector.name = std::string(name->text);
    auto by_name = Matcher::make(std::string(metric_name_label), Matcher::Op::equal, selector.name);
    selector.matchers.push_back(std::move(by_name).value());
  }
  return make(std::move(selector), begin, 0);
}

// {a="b", c=~"d",}
std::vector<Matcher> Parser::matchers() {
  advance();
  std::vector<Matcher> matchers;
  while (!accept(TokenKind::right_brace)) {
    matchers.push_back(matcher());
    if (accept(TokenKind::right_brace)) break;
    if (!accept(TokenKind::comma)) unexpected("label matching", "\",\" or \"}\"");
  }
  return matchers;
}

Matcher Parser::matcher() {
  if (token_.kind != TokenKind::identifier) unexpected("label matching", "identifier or \"}\"");
  const Token label = take();
  Matcher::Op op = Matcher::Op::equal;
  switch (token_.kind) {
    case TokenKind::assign: break;
    case TokenKind::not_equal: op = Matcher::Op::not_equal; break;
    case TokenKind::equal_regex: op = Matcher::Op::regex; break;
    case TokenKind::not_equal_regex: op = Matcher::Op::not_regex; break;
    default: unexpected("label matching", "label matching operator");
  }
  advance();
  if (token_.kind != TokenKind::string) unexpected("label matching", "string");
  auto made = Matcher::make(std::string(label.text), op, unquoted(token_.text));
  if (!made) fail("error parsing regexp: " + made.error().what, label.offset);
  advance();
  return std::move(made).value();
}

// selector[5m] or operand[5m:30s]
NodePointer Parser::range(NodePointer inner) {
  const Token open = take();
  if (token_.kind != TokenKind::duration) unexpected("subquery selector", "duration");
  MatrixSelector matrix;
  matrix.range = take_duration();
  if (accept(TokenKind::colon)) return subquery(std::move(inner), matrix.range);
  if (!accept(TokenKind::right_bracket)) unexpected("subquery or range", "\":\" or \"]\"");

  auto* selector = std::get_if<VectorSelector>(&inner->kind);
  if (selector == nullptr) fail("ranges only allowed for vector selectors", open.offset);
  if (selector->shift.offset != Duration::zero()) fail("no offset modifiers allowed before range", open.offset);
  if (selector->shift.at) fail("no @ modifiers allowed before range", open.offset);
  matrix.selector = std::move(*selector);
  inner->kind = std::move(matrix);
  inner->type = ValueType::matrix;
  return inner;
}

NodePointer Parser::subquery(NodePointer operand, Duration range) {
  Subquery subquery{.operand = nullptr, .range = range, .step = Duration::zero(), .shift = {}};
  if (token_.kind == TokenKind::duration) {
    subquery.step = take_duration();
    if (!accept(TokenKind::right_bracket)) unexpected("subquery selector", "\"]\"");
  } else if (!accept(TokenKind::right_bracket)) {
    unexpected("subquery selector", "duration or \"]\"");
  }
  const std::size_t begin = operand->offset;
  const std::uint32_t depth = operand->depth;
  subquery.operand = std::move(operand);
  return make(std::move(subquery), begin, depth);
}

void Parser::offset_modifier(Node& node) {
  advance();
  const bool negative = accept(TokenKind::subtract);
  if (token_.kind != TokenKind::duration) unexpected("offset", "duration");
  const Duration offset = take_duration();
  TimeShift* const shift = time_shift_of(node);
  if (shift == nullptr) {
    fail("offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
         node.offset);
  }
  if (shift->offset != Duration::zero()) fail("offset may not be set multiple times", node.offset);
  shift->offset = negative ? -offset : offset;
}

void Parser::at_modifier(Node& node) {
  advance();
  AtModifier at;
  if (token_.kind == TokenKind::start || token_.kind == TokenKind::finish) {
    at.kind = take().kind == TokenKind::start ? AtModifier::Kind::start : AtModifier::Kind::end;
    if (!accept(TokenKind::left_paren) || !accept(TokenKind::right_paren)) unexpected("@", "timestamp");
  } else {
    const bool negative = token_.kind == TokenKind::subtract;
    if (negative || token_.kind == TokenKind::add) advance();
    if (token_.kind != TokenKind::number) unexpected("@", "timestamp");
    const double seconds = negative ? -take_number() : take_number();
    constexpr double limit = 9'223'372'036'854'775'807.0;
    if (!(std::abs(seconds) < limit)) fail("timestamp out of bounds for @ modifier", node.offset);
    at.timestamp = time_at_ms(std::llround(std::clamp(seconds * 1000, -furthest_ms, furthest_ms)));
  }
  TimeShift* const shift = time_shift_of(node);
  if (shift == nullptr) {
    fail("@ modifier must be preceded by an instant vector selector or range vector selector or a subquery",
         node.offset);
  }
  if (shift->at) fail("@ <timestamp> may not be set multiple times", node.offset);
  shift->at = at;
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
    if (token_.kind == TokenKind::left_paren) matching.include = grouping();
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

Duration Parser::take_duration() {
  const auto duration = parse_duration(token_.text);
  if (!duration) fail(duration.error().what, token_.offset);
  advance();
  return *duration;
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

}  // namespace

Result<NodePointer> parse_expression(std::string_view text) {
  if (text.size() > max_expression_bytes) {
    return Error{"expression longer than " + std::to_string(max_expression_bytes) + " bytes (max_expression_bytes)",
                 "1:1"};
  }
  try {
    return Parser(text).parse();
  } catch (const ParseFailure& failure) {
    return Error{failure.what, line_and_column(text, failure.offset)};
  }
}

}  // namespace sidewatch::promql
