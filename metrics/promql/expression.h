// PromQL over the store: parse once, evaluate often.
//
// An Expression is immutable and may be shared between threads. Evaluation is bounded by Limits and never waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
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
  std::size_t max_samples = 5'000'000;           // in memory at the same time, those of the result among them
  std::size_t max_touched_samples = 10'000'000;  // read at one instant; a range query begins anew at every step
  std::size_t max_series = 50'000;               // selected by one selector
  std::size_t max_steps = 11'000;                // of a range query, which is as many points per series
  std::size_t max_label_sets = 200'000;          // met by one query: those selected and those made of them
};

struct Options {
  Duration lookback = std::chrono::minutes(5);
  Limits limits;
  Duration default_step = std::chrono::minutes(1);  // of a subquery that names none: [5m:]
  std::function<bool()> out_of_time = {};           // may be empty; asked every thousand samples or so
};

// How an evaluation failed, as Prometheus's API tells failures apart.
enum class QueryErrorKind : std::uint8_t {
  bad_data,   // the question makes no sense: too many steps, a range query of a range vector
  execution,  // no answer from these samples: ambiguous matching, duplicate label sets, a limit reached
  timeout,    // Options::out_of_time said so
};

// What an evaluation gives: a Result that knows the kind of its error. Error::where is "line:column" of the culprit in
// the expression, which Prometheus does not show.
template <class T>
class [[nodiscard]] Answer : public Result<T> {
 public:
  Answer(T value) : Result<T>(std::move(value)) {}
  Answer(Error error, QueryErrorKind kind) : Result<T>(std::move(error)), kind_(kind) {}

  QueryErrorKind kind() const { return kind_; }  // of the error

 private:
  QueryErrorKind kind_ = QueryErrorKind::execution;
};

// From `start` to `end`, both included, `step` apart.
struct RangeSpec {
  Time start;
  Time end;
  Duration step;
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

// An error of Expression::parse in Prometheus's words: `1:14: parse error: unexpected end of input`.
std::string parse_error_text(const Error& error);

// The expression as /api/v1/format_query gives it: in its canonical spelling, what is longer than a line of 100 bytes
// broken into lines and indented by two spaces.
std::string format(const Expression& expression);

// The value at one instant. Errors: a limit reached, many-to-many matching, duplicate label sets.
Answer<Value> evaluate(const Expression& expression, const Store& store, Time at, const Options& options = {});

// The values at every step, for an expression that is a scalar (one series without labels) or an instant vector. Series
// in order of their labels, none without points. No step lies beyond `end`; a step that is not positive is bad_data.
Answer<Matrix> evaluate_range(const Expression& expression, const Store& store, const RangeSpec& range,
                              const Options& options = {});

// An expression that is evaluated again and again (a rule): keeps the selected series until the catalog changes.
// Not for use by two threads at once.
class PreparedQuery {
 public:
  explicit PreparedQuery(Expression expression);
  PreparedQuery(PreparedQuery&&) noexcept;
  PreparedQuery& operator=(PreparedQuery&&) noexcept;
  ~PreparedQuery();

  const Expression& expression() const { return expression_; }
  Answer<Value> evaluate(const Store& store, Time at, const Options& options = {});

 private:
  Expression expression_;
  struct Cache;
  std::unique_ptr<Cache> cache_;
};

}  // namespace sidewatch::promql
