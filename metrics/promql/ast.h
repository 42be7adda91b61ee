// The syntax tree of an expression: immutable once parsed, its types already checked.
//
// Every node has a number (`slot`), so that whoever evaluates the same tree again can keep what belongs to a node in a
// vector beside the tree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "metrics/matcher.h"
#include "metrics/promql/expression.h"

namespace sidewatch::promql {

struct Function;  // metrics/promql/functions.h
using NodePointer = std::unique_ptr<Node>;

struct NumberLiteral {
  double value = 0;
};

struct StringLiteral {
  std::string value;
};

// `@ 1600000000.5`, `@ start()`, `@ end()`: evaluate the selector at this time instead of the query's.
struct AtModifier {
  enum class Kind : std::uint8_t { timestamp, start, end };
  Kind kind = Kind::timestamp;
  Time timestamp;
};

// What shifts the time at which a selector or a subquery looks.
struct TimeShift {
  Duration offset{0};  // positive: into the past
  std::optional<AtModifier> at;
};

struct VectorSelector {
  std::string name;               // as written before the braces; may be empty
  std::vector<Matcher> matchers;  // of the braces, then that of the name
  TimeShift shift;
};

struct MatrixSelector {
  VectorSelector selector;
  Duration range{0};
};

// operand[1h:30s]: the operand's values at every multiple of the step within the range.
struct Subquery {
  NodePointer operand;
  Duration range{0};
  Duration step{0};  // 0: none was named, Options::default_step
  TimeShift shift;
};

struct Call {
  const Function* function = nullptr;
  std::vector<NodePointer> arguments;
};

enum class AggregationOperator : std::uint8_t {
  avg, bottomk, count, count_values, group, limit_ratio, limitk, max, min, quantile, stddev, stdvar, sum, topk,
};

struct Aggregation {
  AggregationOperator op = AggregationOperator::sum;
  bool without = false;               // by (labels) otherwise
  std::vector<std::string> grouping;  // as written
  NodePointer parameter;              // null where the operator takes none: has_parameter()
  NodePointer operand;
};

struct Unary {
  bool negative = false;
  NodePointer operand;
};

enum class BinaryOperator : std::uint8_t {
  add, subtract, multiply, divide, modulo, power, atan2,
  equal, not_equal, less, less_equal, greater, greater_equal,
  set_and, set_or, set_unless,
};

enum class Cardinality : std::uint8_t { one_to_one, many_to_one, one_to_many, many_to_many };

// Which samples of the two sides belong together.
struct Matching {
  Cardinality cardinality = Cardinality::one_to_one;
  bool on = false;                   // `labels` are the ones compared; otherwise the ones ignored
  std::vector<std::string> labels;
  std::vector<std::string> include;  // of group_left or group_right
};

struct Binary {
  BinaryOperator op = BinaryOperator::add;
  bool returns_bool = false;
  Matching matching;
  NodePointer left;
  NodePointer right;
  std::size_t operator_offset = 0;  // in the text, for error messages
};

struct Parenthesis {
  NodePointer inner;
};

class Node {
 public:
  using Kind = std::variant<NumberLiteral, StringLiteral, VectorSelector, MatrixSelector, Subquery, Call, Aggregation,
                            Unary, Binary, Parenthesis>;

  Kind kind;
  ValueType type = ValueType::scalar;
  std::size_t offset = 0;   // where it begins in the text, in bytes
  std::uint32_t slot = 0;   // from 0, no two nodes of a tree alike
  std::uint32_t depth = 1;  // of the tree below, this node included
  bool fixed = false;       // by `@`: the same at every instant of a query, and worth remembering

  // The expression in its canonical spelling; parsing that gives the same tree.
  std::string to_string() const;
};

// What `kind` evaluates to, its operands' types being known.
ValueType type_of(const Node::Kind& kind);

// The node itself, or what its parentheses hold.
const Node& without_parentheses(const Node& node);

// Of a selector of either kind or a subquery; null for anything else.
TimeShift* time_shift_of(Node& node);

// Sets Node::fixed in the whole tree. True when `node` has one value in a query, whatever the instant.
bool mark_fixed(Node& node);

bool is_comparison(BinaryOperator op);
bool is_set_operator(BinaryOperator op);
bool has_parameter(AggregationOperator op);
std::string_view to_string(BinaryOperator op);
std::string_view to_string(AggregationOperator op);
std::string_view to_string(ValueType type);  // "instant vector", as Prometheus documents them

}  // namespace sidewatch::promql
