// What is there and what is not, time, and the ways between scalars and vectors.
#include <limits>
#include <string>
#include <unordered_set>

#include "metrics/promql/functions.h"

namespace sidewatch::promql::instant {
namespace {

const VectorSelector* selector_of(const Node& argument) {
  const Node& node = without_parentheses(argument);
  if (const auto* vector = std::get_if<VectorSelector>(&node.kind)) return vector;
  const auto* matrix = std::get_if<MatrixSelector>(&node.kind);
  return matrix == nullptr ? nullptr : &matrix->selector;
}

// What {a="b"} says about the series that are absent: labels that exactly one `=` matcher names.
Labels labels_of_absent(const Node& argument) {
  const VectorSelector* const selector = selector_of(argument);
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

double seconds(Time time) { return static_cast<double>(to_ms(time)) / 1000; }

}  // namespace

// Of absent_over_time(), too: there the argument's items are the series that have samples in the range.
Operand absent(const CallContext& context) {
  if (!context.arguments[0].items.empty()) return Operand::of(Items{});
  return Operand::of(Items{{context.pool.intern(labels_of_absent(*context.call.arguments[0])), 1}});
}

Operand scalar(const CallContext& context) {
  const Items& items = context.arguments[0].items;
  return Operand::of(items.size() == 1 ? items[0].value : std::numeric_limits<double>::quiet_NaN());
}

Operand time(const CallContext& context) { return Operand::of(seconds(context.at)); }

// Of a bare selector the times of its samples, which is what its values then are; anything else is from now.
Operand timestamp(const CallContext& context) {
  const bool times = wants_sample_times(context.call);
  Items items = std::move(context.arguments[0].items);
  for (Item& item : items) item = {context.pool.without_name(item.labels), times ? item.value : seconds(context.at)};
  return Operand::of(std::move(items));
}

Operand vector(const CallContext& context) {
  return Operand::of(Items{{context.pool.intern(Labels()), context.arguments[0].scalar}});
}

}  // namespace sidewatch::promql::instant
