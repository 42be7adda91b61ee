// Functions of instant vectors and scalars.
#include <cmath>
#include <limits>
#include <string>
#include <unordered_set>

#include "metrics/promql/functions.h"

namespace sidewatch::promql::instant {
namespace {

// Each value through `function`; the metric's name goes, for the value is no longer the metric's.
template <class F>
Operand map(const CallContext& context, F&& function) {
  Items items = std::move(context.arguments[0].items);
  for (Item& item : items) {
    item = {context.pool.without_name(item.labels), function(item.value)};
  }
  return Operand::of(std::move(items));
}

// Go's minimum and maximum: an infinity in the right direction beats NaN, which beats every number.
double smaller(double a, double b) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (a == -infinity || b == -infinity) return -infinity;
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  if (a == 0 && b == 0) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}
double larger(double a, double b) { return -smaller(-a, -b); }

// What {a="b"} says about the series that are absent: labels that exactly one `=` matcher names.
Labels labels_of_absent(const Node& argument) {
  const auto* selector = std::get_if<VectorSelector>(&argument.kind);
  Labels labels;
  if (selector == nullptr) return labels;
  std::unordered_set<std::string> equalled;
  for (const Matcher& matcher : selector->matchers) {
    if (matcher.name() == metric_name_label) continue;
    const bool first = matcher.op() == Matcher::Op::equal && equalled.insert(matcher.name()).second;
    labels = labels.with(matcher.name(), first ? matcher.value() : std::string());
  }
  return labels;
}

}  // namespace

Operand abs(const CallContext& context) {
  return map(context, [](double value) { return std::abs(value); });
}

Operand absent(const CallContext& context) {
  if (!context.arguments[0].items.empty()) return Operand::of(Items{});
  const Labels labels = labels_of_absent(without_parentheses(*context.call.arguments[0]));
  return Operand::of(Items{{context.pool.intern(labels), 1}});
}

Operand ceil(const CallContext& context) {
  return map(context, [](double value) { return std::ceil(value); });
}

Operand clamp(const CallContext& context) {
  const double least = context.arguments[1].scalar;
  const double most = context.arguments[2].scalar;
  if (most < least) return Operand::of(Items{});
  return map(context, [=](double value) { return larger(least, smaller(most, value)); });
}

Operand clamp_max(const CallContext& context) {
  return map(context, [most = context.arguments[1].scalar](double value) { return smaller(most, value); });
}

Operand clamp_min(const CallContext& context) {
  return map(context, [least = context.arguments[1].scalar](double value) { return larger(least, value); });
}

Operand floor(const CallContext& context) {
  return map(context, [](double value) { return std::floor(value); });
}

// To a multiple of the second argument (1); halves go up.
Operand round(const CallContext& context) {
  const double nearest = context.arguments.size() > 1 ? context.arguments[1].scalar : 1;
  const double inverse = 1 / nearest;
  return map(context, [=](double value) { return std::floor(value * inverse + 0.5) / inverse; });
}

Operand scalar(const CallContext& context) {
  const Items& items = context.arguments[0].items;
  return Operand::of(items.size() == 1 ? items[0].value : std::numeric_limits<double>::quiet_NaN());
}

Operand time(const CallContext& context) { return Operand::of(static_cast<double>(to_ms(context.at)) / 1000); }

Operand vector(const CallContext& context) {
  return Operand::of(Items{{context.pool.intern(Labels()), context.arguments[0].scalar}});
}

}  // namespace sidewatch::promql::instant
