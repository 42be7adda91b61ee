// What a part of a database collector needs around it: a catalog, a pass, and its samples as people would read them.
#pragma once

#include <map>
#include <string>

#include "collectors/database/pass.h"
#include "metrics/catalog.h"
#include "metrics/store.h"

namespace sidewatch::database {

class DatabaseUnderTest {
 public:
  Catalog catalog{Catalog::Limits{}, Labels{}};
  const Labels labels{{"instance", "main"}};
  FailureCounts failures{catalog, "test", labels};
  Batch batch;
  PassOutcome outcome;
  Time now = time_at_ms(1'000'000);

  // A pass from now on; what the one before brought is gone.
  Pass pass() {
    batch.clear();
    outcome = {};
    return {batch, outcome, failures, now};
  }

  // `name{labels}` without the instance -> value, of the last pass. What is told about queries is left out.
  std::map<std::string, double> samples() const {
    std::map<std::string, double> found;
    for (const auto& sample : batch.samples()) {
      const auto info = catalog.info(sample.series);
      if (info->family->name == query_duration_metric.name) continue;
      const auto shown = info->labels.without("instance");
      found[info->family->name + (shown.empty() ? "" : shown.to_string())] = sample.value;
    }
    return found;
  }
};

}  // namespace sidewatch::database
