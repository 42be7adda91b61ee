// Which sample an entity's value comes from: for rules that count samples (`at_least: 3, of: 5`). A tick that comes
// because some other source delivered must not count the same sample again.
//
// Approximate where an expression mixes series: an entity whose labels are those of a series it is made of has that
// series' time, any other one the newest time of all series that the expression selects.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "metrics/labels.h"
#include "metrics/matcher.h"
#include "metrics/promql/expression.h"
#include "metrics/store.h"

namespace sidewatch {

class SampleTimes {
 public:
  explicit SampleTimes(const promql::Expression& expression);

  void update(const Store& store, Time at, Duration lookback);
  bool any() const { return newest_.has_value(); }  // something that the expression selects had a sample
  Time of(const Labels& entity, Time otherwise) const;  // `otherwise`: when the expression selects nothing

 private:
  std::vector<std::vector<Matcher>> selectors_;
  std::vector<SeriesId> series_;
  std::optional<std::uint64_t> generation_;  // of the catalog, when series_ were selected
  std::unordered_map<Labels, Time, LabelsHash> times_;
  std::optional<Time> newest_;
};

}  // namespace sidewatch
