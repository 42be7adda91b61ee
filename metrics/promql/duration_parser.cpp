// Durations where they stand in a window [5m:30s] or behind offset. To Prometheus 2.42 each is one literal; later
// versions reckon with them, in seconds: [5m * 2], [300], offset (1h - 30), offset -max(1m, 90).
//
// The value is worked out while parsing, so that nothing else knows of it.
#include <algorithm>
#include <cmath>
#include <string>

#include "metrics/promql/literals.h"
#include "metrics/promql/parser_rules.h"

namespace sidewatch::promql {
namespace {

constexpr double longest_seconds = 9'223'372'036.0;  // about 292 years, as of a literal

bool is_arithmetic(BinaryOperator op) { return op <= BinaryOperator::power; }

[[noreturn]] void refuse(const char* what, std::size_t offset) { throw ParseFailure{what, offset, true}; }

Duration to_duration(double seconds) { return Duration(std::llround(seconds * 1000)); }

}  // namespace

bool Parser::begins_duration() const {
  if (token_.kind == TokenKind::duration) return true;
  return dialect_ == Dialect::later && token_.kind != TokenKind::right_bracket && token_.kind != TokenKind::colon;
}

Duration Parser::window() {
  if (dialect_ == Dialect::prometheus_2_42) return take_duration();
  const std::size_t begin = token_.offset;
  const double length = seconds(0);
  if (!(std::abs(length) <= longest_seconds)) refuse("duration out of range", begin);
  if (to_duration(length) <= Duration::zero()) refuse("duration must be greater than 0", begin);
  return to_duration(length);
}

Duration Parser::signed_offset() {
  if (dialect_ == Dialect::prometheus_2_42) {
    const bool negative = accept(TokenKind::subtract);
    if (token_.kind != TokenKind::duration) unexpected("offset", "duration");
    const Duration offset = take_duration();
    return negative ? -offset : offset;
  }
  const std::size_t begin = token_.offset;
  bool negative = false;
  while (token_.kind == TokenKind::add || token_.kind == TokenKind::subtract) {
    if (take().kind == TokenKind::subtract) negative = !negative;
  }
  const double offset = negative ? -seconds_operand() : seconds_operand();
  if (!(std::abs(offset) <= longest_seconds)) refuse("duration out of range", begin);
  return to_duration(offset);
}

double Parser::seconds(int least_precedence) {
  const Nesting nesting(*this);
  double left = seconds_operand();
  while (const OperatorRule* rule = find_operator(token_.kind)) {
    if (rule->precedence < least_precedence || !is_arithmetic(rule->op)) break;
    const std::size_t begin = take().offset;
    const bool leans_right = rule->op == BinaryOperator::power;
    const double right = seconds(leans_right ? rule->precedence : rule->precedence + 1);
    switch (rule->op) {
      case BinaryOperator::add: left += right; break;
      case BinaryOperator::subtract: left -= right; break;
      case BinaryOperator::multiply: left *= right; break;
      case BinaryOperator::divide:
        if (right == 0) refuse("division by zero", begin);
        left /= right;
        break;
      case BinaryOperator::modulo:
        if (right == 0) refuse("modulo by zero", begin);
        left = std::fmod(left, right);
        break;
      default: left = std::pow(left, right);
    }
  }
  return left;
}

// A literal, a sign, parentheses, min(a, b) or max(a, b).
double Parser::seconds_operand() {
  const Nesting nesting(*this);
  if (token_.kind == TokenKind::duration) return to_seconds(take_duration());
  if (token_.kind == TokenKind::number) return take_number();
  if (accept(TokenKind::add)) return seconds(unary_precedence + 1);
  if (accept(TokenKind::subtract)) return -seconds(unary_precedence + 1);
  const bool least = token_.text == "min";
  const bool of_two = least || token_.text == "max";
  if (of_two) advance();
  if (!accept(TokenKind::left_paren)) unexpected("duration expression", "duration");
  double value = seconds(0);
  if (of_two) {
    if (!accept(TokenKind::comma)) unexpected("duration expression", "\",\"");
    const double other = seconds(0);
    value = least ? std::min(value, other) : std::max(value, other);
  }
  if (!accept(TokenKind::right_paren)) unexpected("duration expression", "\")\"");
  return value;
}

Duration Parser::take_duration() {
  const auto duration = parse_duration(token_.text);
  if (!duration) fail(duration.error().what, token_.offset);
  advance();
  return *duration;
}

}  // namespace sidewatch::promql
