#include "alerting/rule_value.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <variant>

#include "metrics/promql/ast.h"
#include "metrics/promql/functions.h"

namespace sidewatch {
namespace {

using promql::BinaryOperator;
using promql::Node;

// What is known of a value. A literal has a number; a flag is 0 or 1 (a comparison with `bool`).
struct Measure {
  enum class Kind { unknown, literal, flag, unit, moment };
  Kind kind = Kind::unknown;
  std::string unit;   // with Kind::unit
  double number = 0;  // with Kind::literal

  bool operator==(const Measure&) const = default;
};

const Measure unknown{};
const Measure moment{Measure::Kind::moment, "", 0};  // a point in time, in seconds since 1970
Measure in(std::string_view unit) { return {Measure::Kind::unit, std::string(unit), 0}; }

constexpr std::string_view per_second = "/s";
constexpr std::string_view counts_of = "counts of ";  // a histogram's buckets: the unit is that of what was observed

struct Suffix {
  std::string_view end;
  std::string_view unit;
};
constexpr Suffix suffixes[] = {{"_bytes", "bytes"},     {"_seconds", "seconds"}, {"_ratio", "ratio"},
                               {"_percent", "percent"}, {"_celsius", "celsius"}, {"_volts", "volts"},
                               {"_hertz", "hertz"}};

Measure of_name(std::string_view name) {
  for (const std::string_view end : {"_timestamp_seconds", "_time_seconds", "_timestamp", "_expiry"}) {
    if (name.ends_with(end)) return moment;
  }
  constexpr std::string_view counter = "_total";
  constexpr std::string_view bucket = "_bucket";
  const bool counts = name.ends_with(bucket);
  if (counts) name.remove_suffix(bucket.size());
  else if (name.ends_with(counter)) name.remove_suffix(counter.size());
  for (const auto& [end, unit] : suffixes) {
    if (name.ends_with(end)) return in(counts ? std::string(counts_of) + std::string(unit) : std::string(unit));
  }
  return unknown;
}

Measure measure(const Node& node);

Measure each_second(const Measure& of) {
  if (of.kind != Measure::Kind::unit || of.unit.ends_with(per_second)) return unknown;
  if (of.unit.starts_with(counts_of)) return of;
  if (of.unit == "seconds") return in("ratio");  // the share of the time
  if (of.unit == "bytes") return in("bytes/s");
  return unknown;
}

Measure of_call(const promql::Call& call) {
  const std::string_view name = call.function->name;
  if (name == "time" || name == "timestamp") return moment;
  if (call.arguments.empty()) return unknown;
  const auto is_one_of = [name](std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (is_one_of({"rate", "irate", "deriv"})) return each_second(measure(*call.arguments[0]));
  if (is_one_of({"avg_over_time", "min_over_time", "max_over_time", "last_over_time", "sum_over_time", "increase",
                 "delta", "idelta", "abs", "ceil", "floor", "round", "clamp", "clamp_min", "clamp_max", "sort",
                 "sort_desc", "label_replace", "label_join", "predict_linear", "double_exponential_smoothing"})) {
    const Measure of = measure(*call.arguments[0]);
    // A sum or a difference of moments is none.
    const bool keeps_moments = !is_one_of({"sum_over_time", "increase", "delta", "idelta"});
    return of.kind == Measure::Kind::unit || keeps_moments ? of : unknown;
  }
  if (is_one_of({"quantile_over_time", "histogram_quantile"}) && call.arguments.size() == 2) {
    Measure of = measure(*call.arguments[1]);
    if (name == "quantile_over_time") return of;
    if (!of.unit.starts_with(counts_of)) return unknown;
    of.unit.erase(0, counts_of.size());
    return of;
  }
  return unknown;
}

// Minutes of seconds, mebibytes of bytes: a unit's name for what is left after dividing by a whole many of it.
Measure by_number(const Measure& of, double number) {
  static constexpr struct {
    std::string_view unit;
    double by;
    std::string_view gives;
  } scales[] = {{"seconds", 60, "minutes"},   {"seconds", 3600, "hours"},         {"seconds", 86400, "days"},
                {"bytes", 1024, "KiB"},       {"bytes", 1048576, "MiB"},          {"bytes", 1073741824, "GiB"},
                {"bytes/s", 1024, "KiB/s"},   {"bytes/s", 1048576, "MiB/s"}};
  for (const auto& [unit, by, gives] : scales) {
    if (of.unit == unit && number == by) return in(gives);
  }
  return number == 1 ? of : unknown;
}

Measure of_sum(const Measure& left, const Measure& right, bool difference) {
  using Kind = Measure::Kind;
  if (left.kind == Kind::moment && right.kind == Kind::moment) return difference ? in("seconds") : unknown;
  if (left.kind == Kind::unit && left == right) return left;
  const auto is_share = [](const Measure& m) { return m.unit == "ratio" || m.unit == "percent"; };
  const bool one_minus = left.kind == Kind::literal && is_share(right);  // 1 - ratio, 100 - percent
  if (one_minus && left.number == (right.unit == "ratio" ? 1 : 100)) return right;
  return unknown;
}

Measure of_product(const Measure& left, const Measure& right) {
  using Kind = Measure::Kind;
  for (const auto& [factor, of] : {std::pair(&left, &right), std::pair(&right, &left)}) {
    if (factor->kind == Kind::literal && factor->number == 100 && of->unit == "ratio") return in("percent");
    if (factor->kind == Kind::flag || (factor->kind == Kind::literal && factor->number == 1)) return *of;
    if (factor->unit == "ratio" && of->kind == Kind::unit && of->unit != "ratio" && of->unit != "percent") return *of;
  }
  return unknown;
}

Measure of_quotient(const Measure& left, const Measure& right) {
  if (left.kind != Measure::Kind::unit) return unknown;
  if (right.kind == Measure::Kind::literal) return by_number(left, right.number);
  return left == right ? in("ratio") : unknown;
}

Measure of_binary(const promql::Binary& binary) {
  const Measure left = measure(*binary.left);
  if (promql::is_comparison(binary.op)) return binary.returns_bool ? Measure{Measure::Kind::flag, "", 0} : left;
  const Measure right = measure(*binary.right);
  switch (binary.op) {
    case BinaryOperator::add: return of_sum(left, right, false);
    case BinaryOperator::subtract: return of_sum(left, right, true);
    case BinaryOperator::multiply: return of_product(left, right);
    case BinaryOperator::divide: return of_quotient(left, right);
    case BinaryOperator::modulo: return left.kind == Measure::Kind::unit ? left : unknown;
    case BinaryOperator::set_and:
    case BinaryOperator::set_unless: return left;
    case BinaryOperator::set_or: return left == right ? left : unknown;
    default: return unknown;
  }
}

Measure of_aggregation(const promql::Aggregation& aggregation) {
  using promql::AggregationOperator;
  switch (aggregation.op) {
    case AggregationOperator::sum: {
      const Measure of = measure(*aggregation.operand);
      return of.kind == Measure::Kind::moment ? unknown : of;
    }
    case AggregationOperator::avg:
    case AggregationOperator::min:
    case AggregationOperator::max:
    case AggregationOperator::topk:
    case AggregationOperator::bottomk:
    case AggregationOperator::limitk:
    case AggregationOperator::limit_ratio:
    case AggregationOperator::stddev:
    case AggregationOperator::quantile: return measure(*aggregation.operand);
    default: return unknown;
  }
}

struct Visitor {
  Measure operator()(const promql::NumberLiteral& literal) const { return {Measure::Kind::literal, "", literal.value}; }
  Measure operator()(const promql::StringLiteral&) const { return unknown; }
  Measure operator()(const promql::VectorSelector& selector) const { return of_name(selector.name); }
  Measure operator()(const promql::MatrixSelector& matrix) const { return of_name(matrix.selector.name); }
  Measure operator()(const promql::Subquery& subquery) const { return measure(*subquery.operand); }
  Measure operator()(const promql::Call& call) const { return of_call(call); }
  Measure operator()(const promql::Aggregation& aggregation) const { return of_aggregation(aggregation); }
  Measure operator()(const promql::Unary& unary) const { return measure(*unary.operand); }
  Measure operator()(const promql::Binary& binary) const { return of_binary(binary); }
  Measure operator()(const promql::Parenthesis& parenthesis) const { return measure(*parenthesis.inner); }
};

Measure measure(const Node& node) { return std::visit(Visitor{}, node.kind); }

std::optional<Comparison> comparison_of(BinaryOperator op) {
  switch (op) {
    case BinaryOperator::greater: return Comparison::greater;
    case BinaryOperator::greater_equal: return Comparison::greater_or_equal;
    case BinaryOperator::less: return Comparison::less;
    case BinaryOperator::less_equal: return Comparison::less_or_equal;
    case BinaryOperator::equal: return Comparison::equal;
    case BinaryOperator::not_equal: return Comparison::not_equal;
    default: return std::nullopt;
  }
}

std::optional<double> number_of(const Node& node) {
  const Node& bare = promql::without_parentheses(node);
  if (const auto* literal = std::get_if<promql::NumberLiteral>(&bare.kind)) return literal->value;
  if (const auto* unary = std::get_if<promql::Unary>(&bare.kind)) {
    const auto inner = number_of(*unary->operand);
    if (inner) return unary->negative ? -*inner : *inner;
  }
  return std::nullopt;
}

}  // namespace

std::string unit_of(const promql::Expression& expression) {
  const Measure of = measure(expression.root());
  if (of.kind != Measure::Kind::unit || of.unit.starts_with(counts_of)) return "";
  return of.unit;
}

std::optional<Comparing> split_comparison(const promql::Expression& expression) {
  const Node& root = promql::without_parentheses(expression.root());
  const auto* binary = std::get_if<promql::Binary>(&root.kind);
  if (binary == nullptr || binary->returns_bool) return std::nullopt;
  const auto comparison = comparison_of(binary->op);
  const auto bound = number_of(*binary->right);
  if (!comparison || !bound || binary->left->type != promql::ValueType::vector) return std::nullopt;
  auto value = promql::Expression::parse(binary->left->to_string());
  if (!value) return std::nullopt;
  return Comparing{std::move(*value), Threshold{*comparison, *bound, std::nullopt}};
}

}  // namespace sidewatch
