// The pool of label sets. See operand.h.
#include "metrics/promql/operand.h"

namespace sidewatch::promql {

LabelId LabelPool::intern(Labels labels) {
  const auto next = LabelId{static_cast<std::uint32_t>(sets_.size())};
  const auto [entry, inserted] = ids_.try_emplace(std::move(labels), next);
  if (inserted) sets_.push_back(&entry->first);
  return entry->second;
}

LabelId LabelPool::without_name(LabelId id) {
  return without_name_.of(id, [this](LabelId from) { return intern(labels(from).without(metric_name_label)); });
}

void LabelPool::clear() {
  ids_.clear();
  sets_.clear();
  without_name_.clear();
}

}  // namespace sidewatch::promql
