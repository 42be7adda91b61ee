// sum by (job) (...) and its kin: samples of one group become one, in the order in which the groups first appear.
#include <algorithm>
#include <cmath>

#include "metrics/promql/evaluator.h"

namespace sidewatch::promql {
namespace {

struct Accumulator {
  LabelId labels;
  double value;      // the sum, least or greatest so far; of variances the sum of squared distances from the mean
  double mean;
  double count = 1;
};

Accumulator begin_group(AggregationOperator op, LabelId labels, double value) {
  Accumulator group{labels, value, value};
  if (op == AggregationOperator::stddev || op == AggregationOperator::stdvar) group.value = 0;
  if (op == AggregationOperator::group) group.value = 1;
  return group;
}

// An infinite mean stays unless NaN or the other infinity comes: Inf - Inf would make it NaN.
void add_to_mean(Accumulator& group, double value) {
  if (std::isinf(group.mean)) {
    if (std::isinf(value) && (group.mean > 0) == (value > 0)) return;
    if (!std::isinf(value) && !std::isnan(value)) return;
  }
  group.mean += value / group.count - group.mean / group.count;
}

void add(AggregationOperator op, Accumulator& group, double value) {
  ++group.count;
  switch (op) {
    case AggregationOperator::sum: group.value += value; break;
    case AggregationOperator::avg: add_to_mean(group, value); break;
    case AggregationOperator::max:
      if (group.value < value || std::isnan(group.value)) group.value = value;
      break;
    case AggregationOperator::min:
      if (group.value > value || std::isnan(group.value)) group.value = value;
      break;
    case AggregationOperator::stddev:
    case AggregationOperator::stdvar: {
      const double distance = value - group.mean;
      group.mean += distance / group.count;
      group.value += distance * (value - group.mean);
      break;
    }
    case AggregationOperator::count:
    case AggregationOperator::group:
    case AggregationOperator::bottomk:
    case AggregationOperator::count_values:
    case AggregationOperator::limit_ratio:
    case AggregationOperator::limitk:
    case AggregationOperator::quantile:
    case AggregationOperator::topk: break;
  }
}

double finish(AggregationOperator op, const Accumulator& group) {
  switch (op) {
    case AggregationOperator::avg: return group.mean;
    case AggregationOperator::count: return group.count;
    case AggregationOperator::stdvar: return group.value / group.count;
    case AggregationOperator::stddev: return std::sqrt(group.value / group.count);
    default: return group.value;
  }
}

}  // namespace

Labels group_labels(const Aggregation& aggregation, const Labels& labels) {
  std::vector<Label> kept;
  for (const Label& label : labels) {
    const bool listed = std::ranges::find(aggregation.grouping, label.name) != aggregation.grouping.end();
    if (aggregation.without ? !listed && label.name != metric_name_label : listed) kept.push_back(label);
  }
  return Labels(std::move(kept));
}

Operand evaluate_aggregation(const Aggregation& aggregation, const Node& node, Evaluation& evaluation) {
  if (has_parameter(aggregation.op)) return evaluate_parametric_aggregation(aggregation, node, evaluation);
  const Operand operand = evaluation.operand_of(*aggregation.operand);
  LabelPool& pool = evaluation.pool();
  GroupingMemory& memory = Memory::part(evaluation.memory().of(node).grouping);
  memory.index.clear();
  std::vector<Accumulator> groups;
  for (const Item& item : operand.items) {
    const LabelId labels = memory.group.of(
        item.labels, [&](LabelId from) { return pool.intern(group_labels(aggregation, pool.labels(from))); });
    const std::uint32_t index = memory.index.get(labels);
    if (index == no_index) {
      memory.index.set(labels, static_cast<std::uint32_t>(groups.size()));
      groups.push_back(begin_group(aggregation.op, labels, item.value));
    } else {
      add(aggregation.op, groups[index], item.value);
    }
  }
  Items items;
  items.reserve(groups.size());
  for (const Accumulator& group : groups) items.push_back({group.labels, finish(aggregation.op, group)});
  return Operand::of(std::move(items));
}

}  // namespace sidewatch::promql
