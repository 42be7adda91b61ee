// One recording rule at work: writes what its expression gives into the store, under its own name, as a source of its
// own. A series that it no longer gives goes stale, as does all of it when the evaluation fails.
//
// The series of a result are looked up by the result's labels, so that a steady state makes no label sets.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "alerting/rule_group.h"
#include "alerting/rule_runner.h"
#include "alerting/rule_view.h"
#include "alerting/tick.h"
#include "metrics/promql/expression.h"
#include "metrics/store.h"

namespace sidewatch {

class RecordingRunner {
 public:
  explicit RecordingRunner(RecordingRule rule);

  const RecordingRule& rule() const { return rule_; }
  void tick(const TickInput& input, TickResult& result);

  // A reload put this rule in the place of `old`, or of none that is left: the source goes over, so that series that
  // both give have no gap.
  void replace(RecordingRunner& old);
  std::optional<SourceId> release();  // the source, to be removed from the store

  RuleStatus status() const { return {rule_.identity(), rule_.name, last_error_, 0, failures_, 0}; }
  RuleView view(Duration wall_step) const;
  void took(double seconds) { evaluation_seconds_ = seconds; }

 private:
  struct Entry {
    SeriesHandle series;
    Labels labels;           // of the series, without __name__
    std::uint64_t seen = 0;  // number of the last tick that gave it
  };

  Result<void> record(const TickInput& input);
  Result<void> add_new(const promql::Vector& samples, const std::vector<std::size_t>& fresh, Store& store);
  Labels labels_of(const Labels& given) const;

  RecordingRule rule_;
  promql::PreparedQuery query_;
  std::optional<SourceId> source_;  // absent before the first tick
  std::unordered_map<Labels, Entry, LabelsHash> entries_;  // by labels of the result
  Batch batch_;
  std::uint64_t tick_ = 0;
  std::string last_error_;
  std::uint64_t failures_ = 0;
  std::optional<Time> evaluated_at_;
  double evaluation_seconds_ = 0;
  std::shared_ptr<const RuleDescription> description_;
};

}  // namespace sidewatch
