// One evaluation of a syntax tree, at one instant after the other, and what is worth remembering for the next one.
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
  QueryErrorKind kind = QueryErrorKind::execution;
};

// The instants of an evaluation: one, or a range's. `last` is the last one, not the end that was asked for.
struct Steps {
  Time first;
  Time last;
  Duration step{1};

  bool single() const { return first == last; }
  std::size_t count() const { return static_cast<std::size_t>((last - first) / step) + 1; }
};

// What a query has used up of its limits, its subqueries included. Fails where one is exceeded.
class Budget {
 public:
  Budget(const Options& options, const RangeSpec& query) : options_(options), query_(query) {}

  void begin_step(const Node& node);
  void touch(std::size_t samples, const Node& node);  // samples are being read
  void hold(std::size_t samples, const Node& node);   // samples stay in memory...
  void release(std::size_t samples) { held_ -= samples; }  // ...until now

  const Options& options() const { return options_; }
  const RangeSpec& query() const { return query_; }  // as it was asked: `@ start()` and `@ end()`

 private:
  void watch_the_time(std::size_t work, const Node& node);

  const Options& options_;
  const RangeSpec query_;
  std::size_t touched_ = 0;  // since the step began
  std::size_t held_ = 0;
  std::size_t work_ = 0;  // since the time was looked at
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
  Operand select(const VectorSelector& selector, const Node& node, SampleField field);
  Operand call(const Call& call, const Node& node);
  Operand call_over_range(const Call& call, const Node& node);
  Operand call_over_instant(const Call& call, const Node& node);
  Operand negate(const Unary& unary, const Node& node);
  Matrix matrix_of(const MatrixSelector& matrix, const Node& node);
  Vector vector_of(const Items& items);

  SelectionMemory& selection_of(const VectorSelector& selector, const Node& node);
  Time time_of(const VectorSelector& selector) const;

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
