#include "collectors/database/pass.h"

namespace sidewatch::database {

constexpr Metric errors_metric{"sidewatch_database_errors_total", MetricType::counter, "",
                               "Questions that a database did not answer, by query and reason; query=\"connect\" is the "
                               "connection itself."};
constexpr Metric query_duration_metric{"sidewatch_database_query_duration_seconds", MetricType::gauge, "seconds",
                                       "How long the last answer to a query took."};

FailureCounts::FailureCounts(Catalog& catalog, std::string_view engine, const Labels& labels)
    : catalog_(catalog), labels_(labels.with("engine", engine)) {}

void FailureCounts::count(std::string_view query, FailureKind kind) {
  auto& counter = counters_[{std::string(query), kind}];
  if (!counter.series) {
    counter.series = catalog_.series(errors_metric, labels_.with("query", query).with("reason", to_string(kind)));
  }
  counter.value += 1;
}

void FailureCounts::write(Batch& batch) const {
  for (const auto& [key, counter] : counters_) batch.add(counter.series, counter.value);
}

void Pass::report(std::string_view query, const Failure& failure) {
  outcome.partial_errors += 1;
  if (!outcome.first_partial_error.empty()) return;
  outcome.first_partial_error =
      query == kConnect || query.empty() ? failure.text : std::string("query '").append(query).append("': ").append(failure.text);
}

}  // namespace sidewatch::database
