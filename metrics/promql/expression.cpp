// The doors of the query language: exceptions end here and become Results. See expression.h.
#include "metrics/promql/expression.h"

#include "metrics/promql/ast.h"
#include "metrics/promql/characters.h"
#include "metrics/promql/check.h"
#include "metrics/promql/evaluator.h"
#include "metrics/promql/parser.h"

namespace sidewatch::promql {
namespace {

Result<Value> evaluate_with(const Expression& expression, const Store& store, Time at, const Options& options,
                            Memory& memory) {
  try {
    memory.refresh(store);
    return Evaluation(store, at, options, memory).value_of(expression.root());
  } catch (const EvaluationFailure& failure) {
    return Error{failure.what, line_and_column(expression.text(), failure.offset)};
  }
}

}  // namespace

struct PreparedQuery::Cache {
  Memory memory;
};

Result<Expression> Expression::parse(std::string_view text) {
  auto root = parse_expression(text);
  if (!root) return root.error();
  if (const auto mistake = check(**root)) return Error{mistake->what, line_and_column(text, mistake->offset)};
  Expression expression;
  expression.root_ = std::move(*root);
  expression.text_ = std::string(text);
  return expression;
}

ValueType Expression::type() const { return root_->type; }

std::string Expression::to_string() const { return root_->to_string(); }

Result<Value> evaluate(const Expression& expression, const Store& store, Time at, const Options& options) {
  Memory memory;
  return evaluate_with(expression, store, at, options, memory);
}

PreparedQuery::PreparedQuery(Expression expression)
    : expression_(std::move(expression)), cache_(std::make_unique<Cache>()) {}
PreparedQuery::PreparedQuery(PreparedQuery&&) noexcept = default;
PreparedQuery& PreparedQuery::operator=(PreparedQuery&&) noexcept = default;
PreparedQuery::~PreparedQuery() = default;

Result<Value> PreparedQuery::evaluate(const Store& store, Time at, const Options& options) {
  return evaluate_with(expression_, store, at, options, cache_->memory);
}

}  // namespace sidewatch::promql
