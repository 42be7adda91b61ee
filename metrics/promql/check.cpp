// One function for each kind of node, children first: the first mistake found is the one that Prometheus shows.
#include "metrics/promql/check.h"

#include <algorithm>
#include <functional>
#include <type_traits>

#include "metrics/promql/characters.h"
#include "metrics/promql/functions.h"

namespace sidewatch::promql {
namespace {

using Found = std::optional<Mistake>;

std::string_view short_name(ValueType type) {
  switch (type) {
    case ValueType::vector: return "vector";
    case ValueType::matrix: return "matrix";
    case ValueType::scalar:
    case ValueType::string: break;
  }
  return to_string(type);
}

Found expect_type(Node& node, ValueType wanted, const std::string& context) {
  if (Found mistake = check(node)) return mistake;
  if (node.type == wanted) return std::nullopt;
  return Mistake{"expected type " + std::string(to_string(wanted)) + " in " + context + ", got " +
                     std::string(to_string(node.type)),
                 node.offset};
}

Found check_selector(const VectorSelector& selector, std::size_t offset) {
  if (!selector.name.empty()) {
    for (std::size_t i = 0; i + 1 < selector.matchers.size(); ++i) {
      const Matcher& matcher = selector.matchers[i];
      if (matcher.name() != metric_name_label) continue;
      return Mistake{"metric name must not be set twice: " + quoted(selector.name) + " or " + quoted(matcher.value()),
                     offset};
    }
    return std::nullopt;
  }
  const auto selects = [](const Matcher& matcher) { return !matcher.matches(""); };
  if (std::ranges::any_of(selector.matchers, selects)) return std::nullopt;
  return Mistake{"vector selector must contain at least one non-empty matcher", offset};
}

Found check_subquery(Subquery& subquery, std::size_t offset) {
  if (Found mistake = check(*subquery.operand)) return mistake;
  const ValueType type = subquery.operand->type;
  if (type == ValueType::vector) return std::nullopt;
  return Mistake{"subquery is only allowed on instant vector, got " + std::string(short_name(type)) + " instead",
                 offset};
}

Found check_aggregation(Aggregation& aggregation) {
  if (Found mistake = expect_type(*aggregation.operand, ValueType::vector, "aggregation expression")) return mistake;
  if (!aggregation.parameter) return std::nullopt;
  const bool labels = aggregation.op == AggregationOperator::count_values;
  return expect_type(*aggregation.parameter, labels ? ValueType::string : ValueType::scalar, "aggregation parameter");
}

Found check_call(Call& call, std::size_t offset) {
  const Function& function = *call.function;
  const std::size_t most = function.arguments.size();
  const bool unlimited = function.optional_arguments == any_number;
  const std::size_t least = most - (unlimited ? 1 : static_cast<std::size_t>(function.optional_arguments));
  const std::size_t given = call.arguments.size();
  if (given < least || (given > most && !unlimited)) {
    const std::string quantity = least == most ? "" : given < least ? "at least " : "at most ";
    return Mistake{"expected " + quantity + std::to_string(given < least ? least : most) + " argument(s) in call to " +
                       quoted(function.name) + ", got " + std::to_string(given),
                   offset};
  }
  for (std::size_t i = 0; i < given; ++i) {
    const std::string context = "call to function " + quoted(function.name);
    const ValueType wanted = function.arguments[std::min(i, most - 1)];
    if (Found mistake = expect_type(*call.arguments[i], wanted, context)) return mistake;
  }
  return std::nullopt;
}

Found check_unary(Unary& unary, std::size_t offset) {
  if (Found mistake = check(*unary.operand)) return mistake;
  const ValueType type = unary.operand->type;
  if (type == ValueType::scalar || type == ValueType::vector) return std::nullopt;
  return Mistake{"unary expression only allowed on expressions of type scalar or instant vector, got " +
                     quoted(to_string(type)),
                 offset};
}

Found check_operator(const Binary& binary, bool both_scalars) {
  const std::size_t offset = binary.operator_offset;
  if (binary.returns_bool && !is_comparison(binary.op)) {
    return Mistake{"bool modifier can only be used on comparison operators", offset};
  }
  if (is_comparison(binary.op) && !binary.returns_bool && both_scalars) {
    return Mistake{"comparisons between scalars must use BOOL modifier", offset};
  }
  if (!binary.matching.on) return std::nullopt;
  for (const std::string& label : binary.matching.labels) {
    if (std::ranges::find(binary.matching.include, label) == binary.matching.include.end()) continue;
    return Mistake{"label " + quoted(label) + " must not occur in ON and GROUP clause at once", offset};
  }
  return std::nullopt;
}

Found check_operand_types(const Binary& binary) {
  for (const NodePointer& side : {std::cref(binary.left), std::cref(binary.right)}) {
    if (side->type == ValueType::scalar || side->type == ValueType::vector) continue;
    return Mistake{"binary expression must contain only scalar and instant vector types", side->offset};
  }
  return std::nullopt;
}

Found check_binary(Binary& binary, std::size_t offset) {
  if (Found mistake = check(*binary.left)) return mistake;
  if (Found mistake = check(*binary.right)) return mistake;
  const bool left_scalar = binary.left->type == ValueType::scalar;
  const bool right_scalar = binary.right->type == ValueType::scalar;
  if (Found mistake = check_operator(binary, left_scalar && right_scalar)) return mistake;
  if (Found mistake = check_operand_types(binary)) return mistake;

  const bool set_operator = is_set_operator(binary.op);
  Matching& matching = binary.matching;
  if (left_scalar || right_scalar) {
    if (!matching.labels.empty()) return Mistake{"vector matching only allowed between instant vectors", offset};
    if (!set_operator) return std::nullopt;
    return Mistake{"set operator " + quoted(to_string(binary.op)) + " not allowed in binary scalar expression", offset};
  }
  if (!set_operator) return std::nullopt;
  if (matching.cardinality != Cardinality::one_to_one && matching.cardinality != Cardinality::many_to_many) {
    return Mistake{"no grouping allowed for " + quoted(to_string(binary.op)) + " operation", offset};
  }
  matching.cardinality = Cardinality::many_to_many;
  return std::nullopt;
}

}  // namespace

Found check(Node& node) {
  return std::visit(
      [&node](auto& kind) -> Found {
        using Kind = std::decay_t<decltype(kind)>;
        if constexpr (std::is_same_v<Kind, VectorSelector>) return check_selector(kind, node.offset);
        else if constexpr (std::is_same_v<Kind, MatrixSelector>) return check_selector(kind.selector, node.offset);
        else if constexpr (std::is_same_v<Kind, Subquery>) return check_subquery(kind, node.offset);
        else if constexpr (std::is_same_v<Kind, Aggregation>) return check_aggregation(kind);
        else if constexpr (std::is_same_v<Kind, Call>) return check_call(kind, node.offset);
        else if constexpr (std::is_same_v<Kind, Unary>) return check_unary(kind, node.offset);
        else if constexpr (std::is_same_v<Kind, Binary>) return check_binary(kind, node.offset);
        else if constexpr (std::is_same_v<Kind, Parenthesis>) return check(*kind.inner);
        else return std::nullopt;  // literals
      },
      node.kind);
}

}  // namespace sidewatch::promql
