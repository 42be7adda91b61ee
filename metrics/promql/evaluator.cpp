// Selectors, calls and signs; operators and aggregations have files of their own. See evaluator.h.
#include "metrics/promql/evaluator.h"

#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "metrics/promql/functions.h"

namespace sidewatch::promql {
namespace {

// Prometheus 2.42 includes the sample that is exactly as old as the range or the lookback; the store leaves it out.
constexpr Duration both_ends{1};

constexpr const char* same_labels = "vector cannot contain metrics with the same labelset";

}  // namespace

void Memory::refresh(const Store& store, const Limits& limits) {
  end_steps();
  const std::uint64_t generation = store.catalog().generation();
  if (store_ == &store && generation_ == generation && pool.size() <= limits.max_label_sets) return;
  store_ = &store;
  generation_ = generation;
  pool.clear();
  nodes_.clear();
}

Value Evaluation::value_of(const Node& root) {
  const Node& node = without_parentheses(root);
  if (const auto* text = std::get_if<StringLiteral>(&node.kind)) return text->value;
  if (node.type == ValueType::matrix) return matrix_of(node);
  const Operand result = operand_of(node);
  if (result.type == ValueType::scalar) return result.scalar;
  return vector_of(result.items);
}

Operand Evaluation::operand_of(const Node& node) {
  if (!node.fixed || steps_.single()) return value_at(node);
  std::optional<Operand>& value = memory_.stepping_of(node).fixed;
  if (!value) value = value_at(node);
  return *value;
}

Operand Evaluation::value_at(const Node& node) {
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
  const Time at = shifted(at_, selector.shift);
  const Duration reach = budget_.options().lookback + both_ends;
  Items items;
  const auto add = [&](LabelId labels, Point point) {
    const bool time = field == SampleField::time;
    items.push_back({labels, time ? static_cast<double>(to_ms(point.time)) / 1000 : point.value});
  };
  if (steps_.single()) {
    const SelectionMemory& selection = selection_of(selector, node);
    budget_.touch(selection.series.size(), node);
    items.reserve(selection.series.size());
    for (const SelectedSeries& series : selection.series) {
      if (const auto point = store_.latest(series.id, at, reach)) add(series.labels, *point);
    }
    return Operand::of(std::move(items));
  }
  Windows& windows = windows_of_selector(selector, reach, Store::StaleMarkers::kept, node);
  items.reserve(windows.size());
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const Point* point = windows.newest(i, at - reach, at, store_, budget_, node);
    if (point && !is_stale_marker(point->value)) add(windows.labels(i), *point);
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
  const Span span = span_of(*range);
  const bool keeps_name = function.metric_name == MetricName::kept;
  const bool watches_labels = !steps_.single() && function.afterwards == nullptr;
  Items items;
  for_each_window(*range, span, [&](LabelId source, std::span<const Point> points) {
    if (points.empty()) return;
    const auto value = implementation({points, span.start, span.end, span.range, scalars, at_});
    if (!value) return;
    items.push_back({keeps_name ? source : pool().without_name(source), *value});
    if (watches_labels) refuse_shared_labels(items.back().labels, source, node);
  });
  if (function.afterwards == nullptr) return Operand::of(std::move(items));
  std::vector<Operand> results = {Operand::of(std::move(items))};
  return function.afterwards({at_, pool(), call, results, Memory::part(memory_.of(node).call)});
}

Operand Evaluation::negate(const Unary& unary, const Node& node) {
  Operand operand = operand_of(*unary.operand);
  if (!unary.negative) return operand;
  operand.scalar = -operand.scalar;
  for (Item& item : operand.items) {
    const LabelId source = item.labels;
    item = {pool().without_name(source), -item.value};
    if (!steps_.single()) refuse_shared_labels(item.labels, source, node);
  }
  refuse_duplicates(operand.items, node);
  return operand;
}

Matrix Evaluation::matrix_of(const Node& range) {
  Matrix result;
  for_each_window(range, span_of(range), [&](LabelId labels, std::span<const Point> points) {
    if (points.empty()) return;
    budget_.hold(points.size(), range);
    result.push_back({pool().labels(labels), {points.begin(), points.end()}});
  });
  return result;
}

Evaluation::Span Evaluation::span_of(const Node& range) const {
  const auto* matrix = std::get_if<MatrixSelector>(&range.kind);
  const auto* subquery = std::get_if<Subquery>(&range.kind);
  const Duration length = matrix ? matrix->range : subquery->range;
  const Time end = shifted(at_, matrix ? matrix->selector.shift : subquery->shift);
  return {end - length, end, length};
}

template <class Use>
void Evaluation::for_each_window(const Node& range, const Span& span, Use&& use) {
  const Time from = span.start - both_ends;
  const auto* matrix = std::get_if<MatrixSelector>(&range.kind);
  if (matrix && steps_.single()) {
    SelectionMemory& selection = selection_of(matrix->selector, range);
    for (const SelectedSeries& series : selection.series) {
      selection.points.clear();
      store_.range(series.id, from, span.end, selection.points);
      budget_.touch(selection.points.size(), range);
      use(series.labels, std::span<const Point>(selection.points));
    }
    return;
  }
  Windows& windows = matrix ? windows_of_selector(matrix->selector, span.range + both_ends,
                                                  Store::StaleMarkers::left_out, range)
                            : windows_of_subquery(std::get<Subquery>(range.kind), range);
  for (std::size_t i = 0; i < windows.size(); ++i) {
    use(windows.labels(i), windows.move(i, from, span.end, store_, budget_, range));
  }
}

Windows& Evaluation::windows_of_selector(const VectorSelector& selector, Duration reach, Store::StaleMarkers markers,
                                         const Node& node) {
  SteppingMemory& memory = memory_.stepping_of(node);
  if (memory.begun) return memory.windows;
  memory.begun = true;
  const Time first = shifted(steps_.first, selector.shift) - reach;
  memory.windows.begin_reading(first, shifted(steps_.end, selector.shift), markers);
  for (const SelectedSeries& series : selection_of(selector, node).series) memory.windows.add(series.id, series.labels);
  return memory.windows;
}

// Evaluated once for all steps, at the multiples of its own step.
Windows& Evaluation::windows_of_subquery(const Subquery& subquery, const Node& node) {
  if (memory_.stepping_of(node).begun) return memory_.stepping_of(node).windows;
  const Duration step = subquery.step == Duration::zero() ? budget_.options().default_step : subquery.step;
  const Time wanted = shifted(steps_.first, subquery.shift) - subquery.range;
  Time first{wanted.time_since_epoch() / step * step};
  if (first < wanted) first += step;
  const Time end = shifted(steps_.end, subquery.shift);
  Evaluation inner(store_, Steps{first, end, step}, budget_, memory_);
  auto evaluated = first <= end ? evaluate_steps(*subquery.operand, inner) : std::vector<SteppedSeries>();
  SteppingMemory& memory = memory_.stepping_of(node);
  memory.begun = true;
  for (SteppedSeries& series : evaluated) memory.windows.add(series.labels, std::move(series.points));
  return memory.windows;
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

Time Evaluation::shifted(Time at, const TimeShift& shift) const {
  if (!shift.at) return at - shift.offset;
  switch (shift.at->kind) {
    case AtModifier::Kind::timestamp: return shift.at->timestamp - shift.offset;
    case AtModifier::Kind::start: return budget_.query().start - shift.offset;
    case AtModifier::Kind::end: return budget_.query().end - shift.offset;
  }
  return at;
}

void Evaluation::refuse_shared_labels(LabelId result, LabelId source, const Node& node) {
  IndexByLabels& sources = memory_.stepping_of(node).sources;
  const std::uint32_t known = sources.get(result);
  if (known == no_index) sources.set(result, static_cast<std::uint32_t>(source));
  else if (known != static_cast<std::uint32_t>(source)) fail(same_labels, node);
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
  if (duplicate) fail(same_labels, node);
}

}  // namespace sidewatch::promql
