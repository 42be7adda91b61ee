// Selectors, their matchers and ranges, subqueries, offset and @. See parser_rules.h.
#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "metrics/promql/characters.h"
#include "metrics/promql/literals.h"
#include "metrics/promql/operand.h"
#include "metrics/promql/parser_rules.h"

namespace sidewatch::promql {
namespace {

constexpr double furthest_ms = 1e18;  // a time so far away that no sum with a duration overflows

}  // namespace

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
  if (!begins_duration()) unexpected("subquery selector", "duration");
  MatrixSelector matrix;
  matrix.range = window();
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
  if (begins_duration()) {
    subquery.step = window();
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
  const Duration offset = signed_offset();
  TimeShift* const shift = time_shift_of(node);
  if (shift == nullptr) {
    fail("offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
         node.offset);
  }
  if (shift->offset != Duration::zero()) fail("offset may not be set multiple times", node.offset);
  shift->offset = offset;
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

}  // namespace sidewatch::promql
