// The course of a rule's value before a message, for its sparkline: what the expression gave at even distances up to now.
//
// The past is asked of the store when the first message of a tick needs it, once for all entities of the rule. Nothing is
// kept from tick to tick: a rule that tells nothing pays nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <unordered_map>
#include <vector>

#include "alerting/rule.h"
#include "base/time.h"
#include "metrics/labels.h"
#include "metrics/promql/expression.h"
#include "metrics/store.h"

namespace sidewatch {

inline constexpr std::size_t course_points = 24;
inline constexpr Duration course_step = std::chrono::seconds(30);

class Course {
 public:
  // Of a rule in Prometheus's form it is the value that is compared, which is there also while the alert is not.
  explicit Course(const Rule& rule);

  void begin_tick() { values_.reset(); }

  // Oldest first, NaN where there was none; empty where nothing is known of the entity. `__name__` does not matter.
  std::vector<double> of(const Labels& entity, const Store& store, Time at, const promql::Options& options);

 private:
  using ByEntity = std::unordered_map<Labels, std::vector<double>, LabelsHash>;
  ByEntity evaluate(const Store& store, Time at, const promql::Options& options) const;

  promql::Expression value_;
  std::optional<ByEntity> values_;  // of this tick
};

}  // namespace sidewatch
