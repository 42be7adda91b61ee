// PromQL over the store: parse once, evaluate often.
//
// An Expression is immutable and may be shared between threads. Evaluation is bounded by Limits and never waits.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "metrics/labels.h"
#include "metrics/store.h"

namespace sidewatch::promql {

enum class ValueType { scalar, vector, matrix, string };

struct VectorSample {
  Labels labels;  // with __name__ where PromQL keeps it
  double value = 0;
};
using Vector = std::vector<VectorSample>;

struct Series {
  Labels labels;
  std::vector<Point> points;
};
using Matrix = std::vector<Series>;

using Value = std::variant<double, Vector, Matrix, std::string>;

struct Limits {
  std::size_t max_samples = 1'000'000;  // touched by one evaluation
  std::size_t max_series = 50'000;      // selected by one selector
};

struct Options {
  Duration lookback = std::chrono::minutes(5);
  Limits limits;
};

class Node;  // the syntax tree, metrics/promql/ast.h

class Expression {
 public:
  Expression() = default;  // no expression yet: to be assigned to, nothing else

  // Error::what is like Prometheus's ("unexpected \"}\" in label matching"), Error::where is "line:column", 1-based.
  static Result<Expression> parse(std::string_view text);

  ValueType type() const;
  const std::string& text() const { return text_; }
  std::string to_string() const;  // the canonical spelling
  const Node& root() const { return *root_; }

 private:
  std::shared_ptr<const Node> root_;
  std::string text_;
};

// The value at one instant. Errors: a limit reached, many-to-many matching, duplicate label sets.
Result<Value> evaluate(const Expression& expression, const Store& store, Time at, const Options& options = {});

// An expression that is evaluated again and again (a rule): keeps the selected series until the catalog changes.
// Not for use by two threads at once.
class PreparedQuery {
 public:
  explicit PreparedQuery(Expression expression);
  PreparedQuery(PreparedQuery&&) noexcept;
  PreparedQuery& operator=(PreparedQuery&&) noexcept;
  ~PreparedQuery();

  const Expression& expression() const { return expression_; }
  Result<Value> evaluate(const Store& store, Time at, const Options& options = {});

 private:
  Expression expression_;
  struct Cache;
  std::unique_ptr<Cache> cache_;
};

}  // namespace sidewatch::promql
