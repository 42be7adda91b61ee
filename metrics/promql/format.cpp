// An expression in lines, as Prometheus 2.42 breaks them: what fits into a line stays in one, whatever its indentation.
#include <cstddef>
#include <string>
#include <type_traits>

#include "metrics/promql/ast.h"
#include "metrics/promql/expression.h"
#include "metrics/promql/functions.h"
#include "metrics/promql/print.h"

namespace sidewatch::promql {
namespace {

constexpr std::size_t longest_line = 100;  // in bytes, as Prometheus counts

std::string indented(const Node& node, std::size_t level);

std::string indent(std::size_t level) { return std::string(2 * level, ' '); }

std::string broken(const Aggregation& aggregation, std::size_t level) {
  std::string out = indent(level) + spelled_head(aggregation) + "(\n";
  if (aggregation.parameter) out += indented(*aggregation.parameter, level + 1) + ",\n";
  return out + indented(*aggregation.operand, level + 1) + "\n" + indent(level) + ")";
}

std::string broken(const Binary& binary, std::size_t level) {
  return indented(*binary.left, level + 1) + "\n" + indent(level) + spelled_operator(binary) + "\n" +
         indented(*binary.right, level + 1);
}

std::string broken(const Call& call, std::size_t level) {
  std::string out = indent(level) + std::string(call.function->name) + "(\n";
  for (std::size_t i = 0; i < call.arguments.size(); ++i) {
    out += (i == 0 ? "" : ",\n") + indented(*call.arguments[i], level + 1);
  }
  return out + "\n" + indent(level) + ")";
}

std::string broken(const Parenthesis& parenthesis, std::size_t level) {
  return indent(level) + "(\n" + indented(*parenthesis.inner, level + 1) + "\n" + indent(level) + ")";
}

std::string broken(const Subquery& subquery, std::size_t level) {
  return indented(*subquery.operand, level) + spelled_window(subquery);
}

std::string broken(const Unary& unary, std::size_t level) {
  const std::string operand = indented(*unary.operand, level);
  return indent(level) + (unary.negative ? "-" : "+") + operand.substr(operand.find_first_not_of(' '));
}

std::string indented(const Node& node, std::size_t level) {
  const std::string line = node.to_string();
  return std::visit(
      [&](const auto& kind) {
        using Kind = std::decay_t<decltype(kind)>;
        constexpr bool breakable = !std::is_same_v<Kind, NumberLiteral> && !std::is_same_v<Kind, StringLiteral> &&
                                   !std::is_same_v<Kind, VectorSelector> && !std::is_same_v<Kind, MatrixSelector>;
        if constexpr (breakable) {
          if (line.size() > longest_line) return broken(kind, level);
        }
        // Prometheus forgets to indent a subquery that fits.
        return std::is_same_v<Kind, Subquery> ? line : indent(level) + line;
      },
      node.kind);
}

}  // namespace

std::string format(const Expression& expression) { return indented(expression.root(), 0); }

}  // namespace sidewatch::promql
