// One evaluation of a syntax tree, at one instant after the other, and what is worth remembering for the next one.
//
// The rules are those of Prometheus 2.42: which samples a selector sees (looking back, both ends included), when the
// metric's name is dropped, when a result is an error. An error leaves the depths as an EvaluationFailure, which never
// leaves this folder.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "metrics/promql/ast.h"
#include "metrics/promql/budget.h"
#include "metrics/promql/functions.h"
#include "metrics/promql/operand.h"
#include "metrics/promql/windows.h"
#include "metrics/store.h"

namespace sidewatch::promql {

// The instants of an evaluation: one, or a range's.
struct Steps {
  Time first;
  Time end;  // no step is later
  Duration step{1};

  bool single() const { return first == end; }
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
// What a node needs while one evaluation steps through a range, and no longer.
struct SteppingMemory {
  bool begun = false;            // the windows are there
  Windows windows;
  std::optional<Operand> fixed;  // of a Node::fixed
  IndexByLabels sources;         // the label set that a result's labels were made of
};
struct NodeMemory {
  std::unique_ptr<SelectionMemory> selection;
  std::unique_ptr<MatchingMemory> matching;
  std::unique_ptr<GroupingMemory> grouping;
  std::unique_ptr<CallMemory> call;
};

class Memory {
 public:
  // Before an evaluation: forgets what is no longer true (another store, series made or gone) and the label sets when
  // there are too many.
  void refresh(const Store& store, const Limits& limits);

  // After an evaluation that did not fail.
  void end_steps() { stepping_.clear(); }

  template <class Part>
  static Part& part(std::unique_ptr<Part>& held) {
    if (!held) held = std::make_unique<Part>();
    return *held;
  }
  NodeMemory& of(const Node& node) {
    if (node.slot >= nodes_.size()) nodes_.resize(node.slot + 1);
    return nodes_[node.slot];
  }

  SteppingMemory& stepping_of(const Node& node) {
    if (node.slot >= stepping_.size()) stepping_.resize(node.slot + 1);
    return part(stepping_[node.slot]);
  }

  LabelPool pool;
  IndexByLabels seen;  // scratch of the duplicate check

 private:
  const Store* store_ = nullptr;
  std::uint64_t generation_ = 0;
  std::vector<NodeMemory> nodes_;
  std::vector<std::unique_ptr<SteppingMemory>> stepping_;
};

class Evaluation {
 public:
  Evaluation(const Store& store, const Steps& steps, Budget& budget, Memory& memory)
      : store_(store), steps_(steps), at_(steps.first), budget_(budget), memory_(memory) {}

  // At the present instant, which is the first step until another one is gone to. May throw EvaluationFailure.
  Value value_of(const Node& root);
  Operand operand_of(const Node& node);

  void go_to(Time step) { at_ = step; }
  const Steps& steps() const { return steps_; }
  Budget& budget() { return budget_; }

  Memory& memory() { return memory_; }
  LabelPool& pool() { return memory_.pool; }

  // Error when two items have the same labels.
  void refuse_duplicates(const Items& items, const Node& node);
  [[noreturn]] static void fail(std::string what, const Node& node) {
    throw EvaluationFailure{std::move(what), node.offset};
  }

 private:
  enum class SampleField { value, time };  // of a sample, what becomes an item's value
  Operand value_at(const Node& node);
  Operand select(const VectorSelector& selector, const Node& node, SampleField field);
  Operand call(const Call& call, const Node& node);
  Operand call_over_range(const Call& call, const Node& node);
  Operand call_over_instant(const Call& call, const Node& node);
  Operand negate(const Unary& unary, const Node& node);
  Matrix matrix_of(const Node& range);
  Vector vector_of(const Items& items);

  // What a range selector or a subquery sees at the present instant.
  struct Span {
    Time start;
    Time end;
    Duration range;
  };
  Span span_of(const Node& range) const;
  template <class Use>
  void for_each_window(const Node& range, const Span& span, Use&& use);  // use(LabelId, std::span<const Point>)
  Windows& windows_of_selector(const VectorSelector& selector, Duration reach, Store::StaleMarkers markers,
                               const Node& node);
  Windows& windows_of_subquery(const Subquery& subquery, const Node& node);

  SelectionMemory& selection_of(const VectorSelector& selector, const Node& node);
  Time shifted(Time at, const TimeShift& shift) const;

  // Within a range, results have the same labels also when they are so at different steps.
  void refuse_shared_labels(LabelId result, LabelId source, const Node& node);

  const Store& store_;
  const Steps steps_;
  Time at_;
  Budget& budget_;
  Memory& memory_;
};

// stepping.cpp
struct SteppedSeries {
  LabelId labels;
  std::vector<Point> points;  // one for each step that has a value
};
// The value of a scalar or an instant vector at every step, in the order in which label sets first appear.
std::vector<SteppedSeries> evaluate_steps(const Node& node, Evaluation& evaluation);

// binary.cpp
Operand evaluate_binary(const Binary& binary, const Node& node, Evaluation& evaluation);

// aggregation.cpp
Operand evaluate_aggregation(const Aggregation& aggregation, const Node& node, Evaluation& evaluation);
Labels group_labels(const Aggregation& aggregation, const Labels& labels);  // of the group that `labels` falls into

// parametric_aggregation.cpp
Operand evaluate_parametric_aggregation(const Aggregation& aggregation, const Node& node, Evaluation& evaluation);

}  // namespace sidewatch::promql
