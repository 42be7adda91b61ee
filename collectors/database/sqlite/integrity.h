// PRAGMA quick_check once in a long while: whether the pages of the database still fit together. It reads all of them,
// so it runs beside the passes, on a thread of its own, and is given up after its budget or when a writer waits for it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/errand.h"
#include "base/time.h"
#include "collectors/database/failure.h"
#include "collectors/database/pass.h"
#include "collectors/database/sqlite/look.h"
#include "metrics/catalog.h"
#include "metrics/metric.h"

namespace sidewatch::database::sqlite {

struct IntegrityConfig {
  Duration every = std::chrono::hours(24);
  Duration budget = std::chrono::seconds(10);
};

class IntegrityCheck {
 public:
  IntegrityCheck(Catalog& catalog, const Labels& labels, const IntegrityConfig& config);
  ~IntegrityCheck();  // does not wait for a check that runs

  // Begins a check of a file that is readable when one is due, takes in one that has ended, and adds what the last one
  // found. Where there is no connection to be had, `look` is null.
  void pass(const Look* look, Pass& pass);

 private:
  struct Check;
  void take_in(Pass& pass);
  void begin(const Look& look, Pass& pass);

  const IntegrityConfig config_;
  SeriesHandle ok_;
  SeriesHandle seconds_;
  SeriesHandle timestamp_;
  SeriesHandle finished_;
  ErrandRunner runner_;
  std::shared_ptr<Check> running_;
  std::shared_ptr<Errand> errand_;
  std::optional<Time> next_;          // nothing: at once
  std::optional<bool> was_ok_;
  double took_ = 0;
  double ended_at_ = 0;
  bool last_finished_ = true;
  std::optional<Failure> trouble_;
};

std::vector<Metric> integrity_metrics();

}  // namespace sidewatch::database::sqlite
