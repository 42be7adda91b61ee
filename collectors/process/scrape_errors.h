// How the reading went, under process-exporter's names.
#pragma once

#include <cstdint>
#include <span>

#include "collectors/collector.h"
#include "metrics/catalog.h"
#include "metrics/labels.h"
#include "metrics/store.h"

namespace sidewatch {

class ScrapeErrors {
 public:
  ScrapeErrors(Catalog& catalog, const Labels& labels);

  void pass_failed() { ++failed_; }
  void process_unreadable() { ++unreadable_; }
  void add(const PassOutcome& outcome, Batch& batch);

 private:
  std::uint64_t failed_ = 0;
  std::uint64_t unreadable_ = 0;
  std::uint64_t partial_ = 0;
  SeriesHandle failed_series_, unreadable_series_, partial_series_;
};

std::span<const Metric> scrape_error_metrics();

}  // namespace sidewatch
