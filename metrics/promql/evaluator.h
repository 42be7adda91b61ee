// One evaluation of a syntax tree at one instant, and what is worth remembering for the next one.
//
// The rules are those of Prometheus 2.42: which samples a selector sees (looking back, both ends included), when the
// metric's name is dropped, when a result is an error. An error leaves the depths as an EvaluationFailure, which never
// leaves this folder.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "metrics/promql/ast.h"
#include "metrics/promql/functions.h"
#include "metrics/promql/operand.h"
#include "metrics/store.h"

namespace sidewatch::promql {

struct EvaluationFailure {
  std::string what;
  std::size_t offset;  // in the expression's text, in bytes
};

struct SelectedSeries {
  SeriesId id;
  LabelId labels;  // with the metric's name
};

// The memories of nodes. Valid while the label pool is, that is until the catalog changes.
struct SelectionMemory {
  bool done = false;
  std::vector<SelectedSeries> series;
  std::vector<Point> points;  // scratch of range selectors
};
struct MatchingMemory {
  Derivation signature;  // what on(...) or ignoring(...) compares
  Derivation result;     // one-to-one: the result's labels, of those of the "many" side
  std::unordered_map<std::uint64_t, LabelId> included;  // group_left(...): of both sides' labels
  IndexByLabels one_side;                               // scratch: signature -> sample
  IndexByLabels matched;                                // scratch: what has been matched already
};
struct GroupingMemory {
  Derivation group;
  IndexByLabels index;  // scratch: group -> accumulator
};
struct NodeMemory {
  std::unique_ptr<SelectionMemory> selection;
  std::unique_ptr<MatchingMemory> matching;
  std::unique_ptr<GroupingMemory> grouping;
  std::unique_ptr<CallMemory> call;
};

// Past so many label sets a memory starts afresh: more than a query over a full catalog needs.
inline constexpr std::size_t max_remembered_label_sets = 200'000;

class Memory {
 public:
  // Forgets what is no longer true: another store, series made or gone, a pool that has grown past its bound.
  void refresh(const Store& store);

  template <class Part>
  static Part& part(std::unique_ptr<Part>& held) {
    if (!held) held = std::make_unique<Part>();
    return *held;
  }
  NodeMemory& of(const Node& node) {
    if (node.slot >= nodes_.size()) nodes_.resize(node.slot + 1);
    return nodes_[node.slot];
  }

  LabelPool pool;
  IndexByLabels seen;  // scratch of the duplicate check

 private:
  const Store* store_ = nullptr;
  std::uint64_t generation_ = 0;
  std::vector<NodeMemory> nodes_;
};

class Evaluation {
 public:
  Evaluation(const Store& store, Time at, const Options& options, Memory& memory)
      : store_(store), at_(at), options_(options), memory_(memory) {}

  // May throw EvaluationFailure.
  Value value_of(const Node& root);
  Operand operand_of(const Node& node);

  Memory& memory() { return memory_; }
  LabelPool& pool() { return memory_.pool; }

  // Error when two items have the same labels.
  void refuse_duplicates(const Items& items, const Node& node);
  [[noreturn]] static void fail(std::string what, const Node& node) {
    throw EvaluationFailure{std::move(what), node.offset};
  }

 private:
  enum class SampleField { value, time };  // of a sample, what becomes an item's value
  Operand select(const VectorSelector& selector, const Node& node, SampleField field);
  Operand call(const Call& call, const Node& node);
  Operand call_over_range(const Call& call, const Node& node);
  Operand call_over_instant(const Call& call, const Node& node);
  Operand negate(const Unary& unary, const Node& node);
  Matrix matrix_of(const MatrixSelector& matrix, const Node& node);
  Vector vector_of(const Items& items);

  SelectionMemory& selection_of(const VectorSelector& selector, const Node& node);
  Time time_of(const VectorSelector& selector) const;
  void touch(std::size_t samples, const Node& node);

  const Store& store_;
  const Time at_;
  const Options& options_;
  Memory& memory_;
  std::size_t touched_ = 0;
};

// binary.cpp
Operand evaluate_binary(const Binary& binary, const Node& node, Evaluation& evaluation);

// aggregation.cpp
Operand evaluate_aggregation(const Aggregation& aggregation, const Node& node, Evaluation& evaluation);
Labels group_labels(const Aggregation& aggregation, const Labels& labels);  // of the group that `labels` falls into

// parametric_aggregation.cpp
Operand evaluate_parametric_aggregation(const Aggregation& aggregation, const Node& node, Evaluation& evaluation);

}  // namespace sidewatch::promql
