// The doors of the query language: exceptions end here and become answers. See expression.h.
#include "metrics/promql/expression.h"

#include <algorithm>

#include "metrics/promql/ast.h"
#include "metrics/promql/characters.h"
#include "metrics/promql/check.h"
#include "metrics/promql/evaluator.h"
#include "metrics/promql/parser.h"

namespace sidewatch::promql {
namespace {

constexpr Duration furthest{1'000'000'000'000'000'000};  // no sum of a time and a duration overflows

template <class T, class Evaluate>
Answer<T> guarded(const Expression& expression, Evaluate&& evaluate) {
  try {
    return evaluate();
  } catch (const EvaluationFailure& failure) {
    return {Error{failure.what, line_and_column(expression.text(), failure.offset)}, failure.kind};
  }
}

Answer<Value> evaluate_with(const Expression& expression, const Store& store, Time at, const Options& options,
                            Memory& memory) {
  return guarded<Value>(expression, [&] {
    memory.refresh(store, options.limits);
    Budget budget(options, {at, at, Duration{1}});
    Value value = Evaluation(store, Steps{at, at}, budget, memory).value_of(expression.root());
    memory.end_steps();
    return value;
  });
}

Answer<Matrix> bad_data(std::string what) { return {Error{std::move(what), ""}, QueryErrorKind::bad_data}; }

std::string with_thousands(std::size_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t end = digits.size(); end > 3; end -= 3) digits.insert(end - 3, ",");
  return digits;
}

Matrix with_labels(std::vector<SteppedSeries> stepped, const LabelPool& pool) {
  Matrix matrix;
  matrix.reserve(stepped.size());
  for (SteppedSeries& series : stepped) matrix.push_back({pool.labels(series.labels), std::move(series.points)});
  std::ranges::sort(matrix, {}, &Series::labels);
  return matrix;
}

}  // namespace

struct PreparedQuery::Cache {
  Memory memory;
};

Result<Expression> Expression::parse(std::string_view text) {
  auto root = parse_expression(text);
  if (!root) return root.error();
  if (const auto mistake = check(**root)) return Error{mistake->what, line_and_column(text, mistake->offset)};
  mark_fixed(**root);
  Expression expression;
  expression.root_ = std::move(*root);
  expression.text_ = std::string(text);
  return expression;
}

ValueType Expression::type() const { return root_->type; }

std::string Expression::to_string() const { return root_->to_string(); }

std::string parse_error_text(const Error& error) { return error.where + ": parse error: " + error.what; }

Answer<Value> evaluate(const Expression& expression, const Store& store, Time at, const Options& options) {
  Memory memory;
  return evaluate_with(expression, store, at, options, memory);
}

Answer<Matrix> evaluate_range(const Expression& expression, const Store& store, const RangeSpec& range,
                              const Options& options) {
  if (expression.type() != ValueType::scalar && expression.type() != ValueType::vector) {
    return bad_data("invalid expression type " + quoted(to_string(expression.type())) +
                    " for range query, must be Scalar or instant Vector");
  }
  if (range.step <= Duration::zero()) {
    return bad_data("zero or negative query resolution step widths are not accepted. Try a positive integer");
  }
  const Time start{std::clamp(range.start.time_since_epoch(), -furthest, furthest)};
  const Time end{std::clamp(range.end.time_since_epoch(), -furthest, furthest)};
  if (end < start) return bad_data("end timestamp must not be before start time");
  const auto further_steps = (end - start) / range.step;
  if (static_cast<std::uint64_t>(further_steps) > options.limits.max_steps) {
    return bad_data("exceeded maximum resolution of " + with_thousands(options.limits.max_steps) +
                    " points per timeseries. Try decreasing the query resolution (?step=XX)");
  }
  return guarded<Matrix>(expression, [&] {
    Memory memory;
    memory.refresh(store, options.limits);
    Budget budget(options, {start, end, range.step});
    Evaluation evaluation(store, Steps{start, end, range.step}, budget, memory);
    return with_labels(evaluate_steps(expression.root(), evaluation), memory.pool);
  });
}

PreparedQuery::PreparedQuery(Expression expression)
    : expression_(std::move(expression)), cache_(std::make_unique<Cache>()) {}
PreparedQuery::PreparedQuery(PreparedQuery&&) noexcept = default;
PreparedQuery& PreparedQuery::operator=(PreparedQuery&&) noexcept = default;
PreparedQuery::~PreparedQuery() = default;

Answer<Value> PreparedQuery::evaluate(const Store& store, Time at, const Options& options) {
  return evaluate_with(expression_, store, at, options, cache_->memory);
}

}  // namespace sidewatch::promql
