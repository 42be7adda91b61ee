// Selectors, calls and signs; operators and aggregations have files of their own. See evaluator.h.
#include "metrics/promql/evaluator.h"

#include <array>
#include <type_traits>
#include <utility>

#include "metrics/promql/functions.h"

namespace sidewatch::promql {
namespace {

// Prometheus 2.42 includes the sample that is exactly as old as the range or the lookback; the store leaves it out.
constexpr Duration both_ends{1};

}  // namespace

void Memory::refresh(const Store& store) {
  const std::uint64_t generation = store.catalog().generation();
  if (store_ == &store && generation_ == generation && pool.size() <= max_remembered_label_sets) return;
  store_ = &store;
  generation_ = generation;
  pool.clear();
  nodes_.clear();
}

Value Evaluation::value_of(const Node& root) {
  const Node& node = without_parentheses(root);
  if (const auto* text = std::get_if<StringLiteral>(&node.kind)) return text->value;
  if (const auto* matrix = std::get_if<MatrixSelector>(&node.kind)) return matrix_of(*matrix, node);
  const Operand result = operand_of(node);
  if (result.type == ValueType::scalar) return result.scalar;
  return vector_of(result.items);
}

Operand Evaluation::operand_of(const Node& node) {
  return std::visit(
      [&](const auto& kind) -> Operand {
        using Kind = std::decay_t<decltype(kind)>;
        if constexpr (std::is_same_v<Kind, NumberLiteral>) return Operand::of(kind.value);
        else if constexpr (std::is_same_v<Kind, VectorSelector>) return select(kind, node, SampleField::value);
        else if constexpr (std::is_same_v<Kind, Call>) return call(kind, node);
        else if constexpr (std::is_same_v<Kind, Aggregation>) return evaluate_aggregation(kind, node, *this);
        else if constexpr (std::is_same_v<Kind, Unary>) return negate(kind, node);
        else if constexpr (std::is_same_v<Kind, Binary>) return evaluate_binary(kind, node, *this);
        else if constexpr (std::is_same_v<Kind, Parenthesis>) return operand_of(*kind.inner);
        else return {};  // a string or range vector: whoever takes one reads the node itself
      },
      node.kind);
}

Operand Evaluation::select(const VectorSelector& selector, const Node& node, SampleField field) {
  const SelectionMemory& selection = selection_of(selector, node);
  budget_.touch(selection.series.size(), node);
  const Time at = time_of(selector);
  Items items;
  items.reserve(selection.series.size());
  for (const SelectedSeries& series : selection.series) {
    const auto point = store_.latest(series.id, at, budget_.options().lookback + both_ends);
    if (!point) continue;
    const bool time = field == SampleField::time;
    items.push_back({series.labels, time ? static_cast<double>(to_ms(point->time)) / 1000 : point->value});
  }
  return Operand::of(std::move(items));
}

Operand Evaluation::call(const Call& call, const Node& node) {
  try {
    const bool over_range = std::holds_alternative<RangeFunction>(call.function->implementation);
    Operand result = over_range ? call_over_range(call, node) : call_over_instant(call, node);
    refuse_duplicates(result.items, node);
    return result;
  } catch (const CallFailure& failure) {
    fail(failure.what, node);
  }
}

Operand Evaluation::call_over_instant(const Call& call, const Node& node) {
  std::vector<Operand> arguments;
  arguments.reserve(call.arguments.size());
  if (wants_sample_times(call)) {
    const Node& selector = without_parentheses(*call.arguments[0]);
    arguments.push_back(select(std::get<VectorSelector>(selector.kind), selector, SampleField::time));
  } else {
    for (const NodePointer& argument : call.arguments) arguments.push_back(operand_of(*argument));
  }
  CallMemory& memory = Memory::part(memory_.of(node).call);
  return std::get<InstantFunction>(call.function->implementation)({at_, pool(), call, arguments, memory});
}

Operand Evaluation::call_over_range(const Call& call, const Node& node) {
  const Function& function = *call.function;
  const RangeFunction implementation = std::get<RangeFunction>(function.implementation);
  std::vector<double> scalars;
  const Node* range = nullptr;
  for (const NodePointer& argument : call.arguments) {
    if (argument->type == ValueType::matrix) range = &without_parentheses(*argument);
    else scalars.push_back(operand_of(*argument).scalar);
  }
  const auto& matrix = std::get<MatrixSelector>(range->kind);
  SelectionMemory& selection = selection_of(matrix.selector, *range);
  const Time end = time_of(matrix.selector);
  const Time start = end - matrix.range;

  Items items;
  items.reserve(selection.series.size());
  for (const SelectedSeries& series : selection.series) {
    selection.points.clear();
    store_.range(series.id, start - both_ends, end, selection.points);
    budget_.touch(selection.points.size(), *range);
    if (selection.points.empty()) continue;
    const auto value = implementation({selection.points, start, end, matrix.range, scalars, at_});
    if (!value) continue;
    const bool keeps_name = function.metric_name == MetricName::kept;
    items.push_back({keeps_name ? series.labels : pool().without_name(series.labels), *value});
  }
  if (function.afterwards == nullptr) return Operand::of(std::move(items));
  std::vector<Operand> results = {Operand::of(std::move(items))};
  return function.afterwards({at_, pool(), call, results, Memory::part(memory_.of(node).call)});
}

Operand Evaluation::negate(const Unary& unary, const Node& node) {
  Operand operand = operand_of(*unary.operand);
  if (!unary.negative) return operand;
  operand.scalar = -operand.scalar;
  for (Item& item : operand.items) item = {pool().without_name(item.labels), -item.value};
  refuse_duplicates(operand.items, node);
  return operand;
}

Matrix Evaluation::matrix_of(const MatrixSelector& matrix, const Node& node) {
  const SelectionMemory& selection = selection_of(matrix.selector, node);
  const Time end = time_of(matrix.selector);
  Matrix result;
  for (const SelectedSeries& series : selection.series) {
    Series one;
    store_.range(series.id, end - matrix.range - both_ends, end, one.points);
    budget_.touch(one.points.size(), node);
    budget_.hold(one.points.size(), node);
    if (one.points.empty()) continue;
    one.labels = pool().labels(series.labels);
    result.push_back(std::move(one));
  }
  return result;
}

Vector Evaluation::vector_of(const Items& items) {
  Vector vector;
  vector.reserve(items.size());
  for (const Item& item : items) vector.push_back({pool().labels(item.labels), item.value});
  return vector;
}

// The series that the selector names: asked once, remembered until the catalog changes.
SelectionMemory& Evaluation::selection_of(const VectorSelector& selector, const Node& node) {
  SelectionMemory& selection = Memory::part(memory_.of(node).selection);
  const std::size_t limit = budget_.options().limits.max_series;
  if (!selection.done) {
    const Catalog& catalog = store_.catalog();
    for (const SeriesId id : catalog.select(selector.matchers)) {
      const auto info = catalog.info(id);
      if (!info) continue;
      selection.series.push_back({id, pool().intern(info->labels.with(metric_name_label, info->family->name))});
    }
    selection.done = true;
  }
  if (selection.series.size() > limit) {
    fail("selector matches " + std::to_string(selection.series.size()) + " series, more than the limit of " +
             std::to_string(limit) + " (max_series)",
         node);
  }
  return selection;
}

Time Evaluation::time_of(const VectorSelector& selector) const {
  if (!selector.at) return at_ - selector.offset;
  switch (selector.at->kind) {
    case AtModifier::Kind::timestamp: return selector.at->timestamp - selector.offset;
    case AtModifier::Kind::start: return budget_.query().start - selector.offset;
    case AtModifier::Kind::end: return budget_.query().end - selector.offset;
  }
  return at_;
}

void Evaluation::refuse_duplicates(const Items& items, const Node& node) {
  if (items.size() < 2) return;
  IndexByLabels& seen = memory_.seen;
  bool duplicate = false;
  for (const Item& item : items) {
    duplicate = duplicate || seen.get(item.labels) != no_index;
    seen.set(item.labels, 0);
  }
  seen.clear();
  if (duplicate) fail("vector cannot contain metrics with the same labelset", node);
}

}  // namespace sidewatch::promql
