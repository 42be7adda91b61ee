// When the samples behind a value were taken; see sample_times.h.

#include "alerting/sample_times.h"

#include <algorithm>
#include <variant>

#include "metrics/promql/ast.h"

namespace sidewatch {
namespace {

// Collects the matchers of every selector in a tree.
struct SelectorFinder {
  std::vector<std::vector<Matcher>>& found;

  void visit(const promql::NodePointer& node) const {
    if (node != nullptr) std::visit(*this, node->kind);
  }
  void operator()(const promql::NumberLiteral&) const {}
  void operator()(const promql::StringLiteral&) const {}
  void operator()(const promql::VectorSelector& selector) const { found.push_back(selector.matchers); }
  void operator()(const promql::MatrixSelector& matrix) const { found.push_back(matrix.selector.matchers); }
  void operator()(const promql::Subquery& subquery) const { visit(subquery.operand); }
  void operator()(const promql::Call& call) const {
    for (const auto& argument : call.arguments) visit(argument);
  }
  void operator()(const promql::Aggregation& aggregation) const { visit(aggregation.operand); }
  void operator()(const promql::Unary& unary) const { visit(unary.operand); }
  void operator()(const promql::Binary& binary) const {
    visit(binary.left);
    visit(binary.right);
  }
  void operator()(const promql::Parenthesis& parenthesis) const { visit(parenthesis.inner); }
};

}  // namespace

SampleTimes::SampleTimes(const promql::Expression& expression) {
  std::visit(SelectorFinder{selectors_}, expression.root().kind);
}

void SampleTimes::update(const Store& store, Time at, Duration lookback) {
  const Catalog& catalog = store.catalog();
  if (const auto generation = catalog.generation(); generation_ != generation) {
    series_.clear();
    for (const auto& matchers : selectors_) {
      const auto selected = catalog.select(matchers);
      series_.insert(series_.end(), selected.begin(), selected.end());
    }
    generation_ = generation;
  }
  times_.clear();
  newest_.reset();
  for (const SeriesId series : series_) {
    const auto point = store.latest(series, at, lookback);
    const auto info = catalog.info(series);
    if (!point || info == nullptr) continue;
    auto& time = times_.try_emplace(info->labels, point->time).first->second;
    time = std::max(time, point->time);
    newest_ = std::max(newest_.value_or(point->time), point->time);
  }
}

Time SampleTimes::of(const Labels& entity, Time otherwise) const {
  const auto found = times_.find(entity);
  return found != times_.end() ? found->second : newest_.value_or(otherwise);
}

}  // namespace sidewatch
