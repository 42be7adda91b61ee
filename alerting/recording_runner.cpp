// See recording_runner.h.

#include "alerting/recording_runner.h"

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <variant>

#include "base/utf8.h"

namespace sidewatch {
namespace {

constexpr std::size_t max_help_bytes = 200;

// What /metrics says about the series.
std::string help_of(const RecordingRule& rule) {
  std::string help = "Recorded: " + rule.expr->text();
  if (help.size() <= max_help_bytes) return help;
  return std::string(cut_at_character(help, max_help_bytes)) + "...";
}

Result<promql::Vector> as_vector(Result<promql::Value> value) {
  if (!value) return value.error();
  if (const auto* scalar = std::get_if<double>(&*value)) return promql::Vector{{Labels{}, *scalar}};
  if (auto* samples = std::get_if<promql::Vector>(&*value)) return std::move(*samples);
  return Error{"the expression does not give one value per series", ""};
}

}  // namespace

RecordingRunner::RecordingRunner(RecordingRule rule)
    : rule_(std::move(rule)), query_(*rule_.expr), description_(describe(rule_)) {}

void RecordingRunner::tick(const TickInput& input, TickResult& result) {
  ++tick_;
  evaluated_at_ = input.moment.now;
  if (!source_) source_ = input.store.add_source("rule " + rule_.identity());
  const auto recorded = record(input);
  last_error_ = recorded ? "" : recorded.error().text();
  if (recorded) return;
  input.store.mark_stale(*source_, input.at);
  ++failures_;
  ++result.rules_failed;
}

Result<void> RecordingRunner::record(const TickInput& input) {
  const auto samples = as_vector(query_.evaluate(input.store, input.at, input.query));
  if (!samples) return samples.error();
  if (input.limit > 0 && samples->size() > input.limit) {
    return Error{"exceeded limit of " + std::to_string(input.limit) + " with " + std::to_string(samples->size()) +
                     " series", ""};
  }
  std::vector<std::size_t> fresh;
  for (std::size_t i = 0; i < samples->size(); ++i) {
    const auto known = entries_.find((*samples)[i].labels);
    if (known == entries_.end()) fresh.push_back(i);
    else known->second.seen = tick_;
  }
  std::erase_if(entries_, [&](const auto& item) { return item.second.seen != tick_; });
  if (auto added = add_new(*samples, fresh, input.store); !added) return added;
  batch_.clear();
  for (const auto& sample : *samples) batch_.add(entries_.at(sample.labels).series, sample.value);
  input.store.append(*source_, input.at, batch_);
  return {};
}

Result<void> RecordingRunner::add_new(const promql::Vector& samples, const std::vector<std::size_t>& fresh,
                                      Store& store) {
  if (fresh.empty()) return {};
  std::unordered_set<Labels, LabelsHash> taken;
  for (const auto& [given, entry] : entries_) taken.insert(entry.labels);
  const std::string help = help_of(rule_);
  const Metric metric{rule_.name, MetricType::untyped, "", help};
  for (const std::size_t i : fresh) {
    const Labels& given = samples[i].labels;
    Labels labels = labels_of(given);
    if (!taken.insert(labels).second) {
      return Error{"vector contains metrics with the same labelset after applying rule labels", ""};
    }
    auto series = store.catalog().series(metric, labels);
    entries_.insert_or_assign(given, Entry{std::move(series), std::move(labels), tick_});
  }
  return {};
}

Labels RecordingRunner::labels_of(const Labels& given) const {
  Labels labels = given.without("__name__");
  for (const auto& [name, value] : rule_.labels) labels = labels.with(name, value);
  return labels;
}

void RecordingRunner::replace(RecordingRunner& old) {
  source_ = std::exchange(old.source_, std::nullopt);
  if (rule_.name == old.rule_.name && rule_.labels == old.rule_.labels) entries_ = std::move(old.entries_);
}

std::optional<SourceId> RecordingRunner::release() {
  entries_.clear();
  return std::exchange(source_, std::nullopt);
}

RuleView RecordingRunner::view(Duration wall_step) const {
  RuleView view;
  view.rule = description_;
  view.last_error = last_error_;
  if (evaluated_at_) {
    view.health = last_error_.empty() ? RuleHealth::ok : RuleHealth::err;
    view.last_evaluation = to_wall(*evaluated_at_, wall_step);
  }
  view.evaluation_seconds = evaluation_seconds_;
  return view;
}

}  // namespace sidewatch
