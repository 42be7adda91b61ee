// What the evaluator computes with: numbers in place of label sets.
//
// The one idea: a label set met during an evaluation is interned in a LabelPool and from then on is a small integer.
// What operators do to label sets (drop the name, keep `by (job)`, the part that `on(...)` compares) depends on the
// label set alone, so each is worked out once and remembered as integer -> integer. A query that is evaluated again
// then hashes and copies no label at all until its result is handed out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <unordered_map>
#include <vector>

#include "metrics/labels.h"
#include "metrics/promql/expression.h"

namespace sidewatch::promql {

inline constexpr std::string_view metric_name_label = "__name__";

enum class LabelId : std::uint32_t {};
inline constexpr std::uint32_t no_index = std::numeric_limits<std::uint32_t>::max();
inline std::size_t index_of(LabelId id) { return static_cast<std::size_t>(id); }

// Remembers label set -> label set for one purpose.
class Derivation {
 public:
  template <class Make>
  LabelId of(LabelId from, Make&& make) {
    const std::size_t index = index_of(from);
    if (index >= known_.size()) known_.resize(index + 1, no_index);
    if (known_[index] == no_index) {
      const LabelId made = make(from);
      known_[index] = static_cast<std::uint32_t>(made);  // `make` may intern, never derive with this
    }
    return LabelId{known_[index]};
  }
  void clear() { known_.clear(); }

 private:
  std::vector<std::uint32_t> known_;
};

class LabelPool {
 public:
  LabelId intern(Labels labels);
  const Labels& labels(LabelId id) const { return *sets_[index_of(id)]; }
  LabelId without_name(LabelId id);
  std::size_t size() const { return sets_.size(); }
  void clear();

 private:
  std::unordered_map<Labels, LabelId, LabelsHash> ids_;
  std::vector<const Labels*> sets_;  // the keys of ids_
  Derivation without_name_;
};

// LabelId -> index, emptied cheaply: forgets only what was set.
class IndexByLabels {
 public:
  std::uint32_t get(LabelId id) const { return index_of(id) < index_.size() ? index_[index_of(id)] : no_index; }
  void set(LabelId id, std::uint32_t index) {
    if (index_of(id) >= index_.size()) index_.resize(index_of(id) + 1, no_index);
    index_[index_of(id)] = index;
    touched_.push_back(id);
  }
  void clear() {
    for (const LabelId id : touched_) index_[index_of(id)] = no_index;
    touched_.clear();
  }

 private:
  std::vector<std::uint32_t> index_;
  std::vector<LabelId> touched_;
};

struct Item {
  LabelId labels;
  double value = 0;
};
using Items = std::vector<Item>;

// A scalar or an instant vector; range vectors and strings are read where they are used.
struct Operand {
  ValueType type = ValueType::scalar;
  double scalar = 0;
  Items items;

  static Operand of(double value) { return {ValueType::scalar, value, {}}; }
  static Operand of(Items items) { return {ValueType::vector, 0, std::move(items)}; }
};

}  // namespace sidewatch::promql
