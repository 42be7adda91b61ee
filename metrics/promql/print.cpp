// The canonical spelling of an expression: one space around operators, double quotes, shortest numbers.
#include "metrics/promql/print.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <type_traits>

#include "metrics/promql/ast.h"
#include "metrics/promql/characters.h"
#include "metrics/promql/functions.h"
#include "metrics/promql/literals.h"

namespace sidewatch::promql {
namespace {

std::string spelled(NumberLiteral literal) { return number_to_string(literal.value); }

std::string join(const std::vector<std::string>& words, const std::string& between = ", ") {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : between) + word;
  return out;
}

std::string_view spelling(Matcher::Op op) {
  switch (op) {
    case Matcher::Op::equal: return "=";
    case Matcher::Op::not_equal: return "!=";
    case Matcher::Op::regex: return "=~";
    case Matcher::Op::not_regex: return "!~";
  }
  return {};
}

std::string spelled(const Matcher& matcher) {
  return matcher.name() + std::string(spelling(matcher.op())) + quoted(matcher.value());
}

// A name is not said again in the braces; nor is there none said there.
std::string braces(const VectorSelector& selector) {
  std::vector<std::string> sorted;
  for (const Matcher& matcher : selector.matchers) {
    const bool is_name = matcher.name() == metric_name_label && matcher.op() == Matcher::Op::equal;
    if (!is_name || matcher.value() != selector.name) sorted.push_back(spelled(matcher));
  }
  if (sorted.empty()) return selector.name;
  std::ranges::sort(sorted);
  return selector.name + "{" + join(sorted, ",") + "}";
}

std::string at_to_string(const AtModifier& at) {
  switch (at.kind) {
    case AtModifier::Kind::start: return " @ start()";
    case AtModifier::Kind::end: return " @ end()";
    case AtModifier::Kind::timestamp: break;
  }
  const std::int64_t ms = to_ms(at.timestamp);
  std::string fraction = std::to_string(1000 + std::abs(ms % 1000));
  fraction[0] = '.';
  return std::string(ms < 0 ? " @ -" : " @ ") + std::to_string(std::abs(ms / 1000)) + fraction;
}

std::string spelled(const TimeShift& shift) {
  std::string out;
  if (shift.at) out += at_to_string(*shift.at);
  if (shift.offset > Duration::zero()) out += " offset " + duration_to_string(shift.offset);
  if (shift.offset < Duration::zero()) out += " offset -" + duration_to_string(-shift.offset);
  return out;
}

std::string spelled(const VectorSelector& selector) { return braces(selector) + spelled(selector.shift); }

std::string spelled(const MatrixSelector& matrix) {
  return braces(matrix.selector) + "[" + duration_to_string(matrix.range) + "]" + spelled(matrix.selector.shift);
}

std::string spelled(const Subquery& subquery) {
  return subquery.operand->to_string() + spelled_window(subquery);
}

std::string spelled(const Call& call) {
  std::string out(call.function->name);
  out += '(';
  for (std::size_t i = 0; i < call.arguments.size(); ++i) {
    out += (i == 0 ? "" : ", ") + call.arguments[i]->to_string();
  }
  return out + ')';
}

std::string spelled(const Aggregation& aggregation) {
  std::string out = spelled_head(aggregation) + "(";
  if (aggregation.parameter) out += aggregation.parameter->to_string() + ", ";
  return out + aggregation.operand->to_string() + ')';
}

std::string spelled(const Matching& matching) {
  std::string out;
  if (!matching.on && matching.labels.empty() && matching.cardinality == Cardinality::one_to_one) return out;
  if (matching.on || !matching.labels.empty() || matching.cardinality != Cardinality::many_to_many) {
    out = std::string(matching.on ? " on (" : " ignoring (") + join(matching.labels) + ")";
  }
  const bool left = matching.cardinality == Cardinality::many_to_one;
  if (left || matching.cardinality == Cardinality::one_to_many) {
    out += std::string(left ? " group_left (" : " group_right (") + join(matching.include) + ")";
  }
  return out;
}

std::string spelled(const Binary& binary) {
  // +Inf ^ 2 would be read as +(Inf ^ 2).
  const auto* number = std::get_if<NumberLiteral>(&binary.left->kind);
  const bool unsigned_infinity = number && binary.op == BinaryOperator::power && number->value > 0 &&
                                 std::isinf(number->value);
  return (unsigned_infinity ? "Inf" : binary.left->to_string()) + " " + spelled_operator(binary) + " " +
         binary.right->to_string();
}

}  // namespace

std::string spelled_head(const Aggregation& aggregation) {
  const std::string op(to_string(aggregation.op));
  if (aggregation.without) return op + " without (" + join(aggregation.grouping) + ") ";
  return aggregation.grouping.empty() ? op : op + " by (" + join(aggregation.grouping) + ") ";
}

std::string spelled_operator(const Binary& binary) {
  const std::string op = std::string(to_string(binary.op)) + (binary.returns_bool ? " bool" : "");
  const bool between_vectors = binary.left->type == ValueType::vector && binary.right->type == ValueType::vector;
  return between_vectors ? op + spelled(binary.matching) : op;
}

std::string spelled_window(const Subquery& subquery) {
  const std::string step = subquery.step == Duration::zero() ? "" : duration_to_string(subquery.step);
  return "[" + duration_to_string(subquery.range) + ":" + step + "]" + spelled(subquery.shift);
}

std::string Node::to_string() const {
  return std::visit(
      [](const auto& of) -> std::string {
        using Of = std::decay_t<decltype(of)>;
        if constexpr (std::is_same_v<Of, StringLiteral>) return quoted(of.value);
        else if constexpr (std::is_same_v<Of, Unary>) return (of.negative ? "-" : "+") + of.operand->to_string();
        else if constexpr (std::is_same_v<Of, Parenthesis>) return "(" + of.inner->to_string() + ")";
        else return spelled(of);  // NumberLiteral, selectors, Subquery, Call, Aggregation, Binary
      },
      kind);
}

}  // namespace sidewatch::promql
