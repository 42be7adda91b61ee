// The canonical spelling of an expression: one space around operators, double quotes, shortest numbers.
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

// Infinity without the sign that values have: +Inf ^ 2 would be read as +(Inf ^ 2).
std::string spelled(NumberLiteral literal) {
  return std::isinf(literal.value) && literal.value > 0 ? "Inf" : number_to_string(literal.value);
}

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
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

std::string braces(const VectorSelector& selector) {
  const std::size_t in_braces = selector.matchers.size() - (selector.name.empty() ? 0 : 1);
  if (in_braces == 0) return selector.name;
  std::string out;
  for (std::size_t i = 0; i < in_braces; ++i) out += (i == 0 ? "" : ",") + spelled(selector.matchers[i]);
  return selector.name + "{" + out + "}";
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
  const std::string step = subquery.step == Duration::zero() ? "" : duration_to_string(subquery.step);
  return subquery.operand->to_string() + "[" + duration_to_string(subquery.range) + ":" + step + "]" +
         spelled(subquery.shift);
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
  std::string out(to_string(aggregation.op));
  if (aggregation.without) out += " without (" + join(aggregation.grouping) + ") ";
  else if (!aggregation.grouping.empty()) out += " by (" + join(aggregation.grouping) + ") ";
  out += '(';
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
  return binary.left->to_string() + " " + std::string(to_string(binary.op)) + (binary.returns_bool ? " bool" : "") +
         spelled(binary.matching) + " " + binary.right->to_string();
}

}  // namespace

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
