// A range query: the same tree at one instant after the other, its values gathered by label set.
#include <string>

#include "metrics/promql/evaluator.h"

namespace sidewatch::promql {
namespace {

class Gatherer {
 public:
  explicit Gatherer(Evaluation& evaluation) : evaluation_(evaluation) {}

  void add(Time at, const Operand& value, const Node& node) {
    if (value.type == ValueType::scalar) {
      evaluation_.budget().hold(1, node);
      series_of(no_labels_).points.push_back({at, value.scalar});
      return;
    }
    evaluation_.budget().hold(value.items.size(), node);
    for (const Item& item : value.items) series_of(item.labels).points.push_back({at, item.value});
  }

  std::vector<SteppedSeries> take() { return std::move(series_); }

 private:
  SteppedSeries& series_of(LabelId labels) {
    if (index_.get(labels) == no_index) {
      index_.set(labels, static_cast<std::uint32_t>(series_.size()));
      series_.push_back({labels, {}});
    }
    return series_[index_.get(labels)];
  }

  Evaluation& evaluation_;
  const LabelId no_labels_ = evaluation_.pool().intern(Labels());
  IndexByLabels index_;
  std::vector<SteppedSeries> series_;
};

// A step may make label sets that no step before it made: count_values, label_replace of a changing value.
void refuse_too_many_label_sets(Evaluation& evaluation, const Node& node) {
  const std::size_t limit = evaluation.budget().options().limits.max_label_sets;
  if (evaluation.pool().size() <= limit) return;
  Evaluation::fail("query makes more label sets than the limit of " + std::to_string(limit) + " (max_label_sets)", node);
}

}  // namespace

std::vector<SteppedSeries> evaluate_steps(const Node& node, Evaluation& evaluation) {
  const Steps& steps = evaluation.steps();
  Gatherer gatherer(evaluation);
  for (Time at = steps.first; at <= steps.end; at += steps.step) {
    evaluation.go_to(at);
    evaluation.budget().begin_step(node);
    refuse_too_many_label_sets(evaluation, node);
    gatherer.add(at, evaluation.operand_of(node), node);
  }
  return gatherer.take();
}

}  // namespace sidewatch::promql
