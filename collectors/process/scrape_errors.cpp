// A field is counted once per process and file, not once per pass.
#include "collectors/process/scrape_errors.h"

#include <array>

#include "metrics/metric.h"

namespace sidewatch {
namespace {

using enum MetricType;
constexpr std::array<Metric, 3> metrics = {{
    {"namedprocess_scrape_errors", counter, "", "Passes in which the processes could not be listed."},
    {"namedprocess_scrape_procread_errors", counter, "",
     "How often a process that exists could not be read at all."},
    {"namedprocess_scrape_partial_errors", counter, "",
     "Fields of processes that could not be read, such as I/O without permission; each counts once per process."},
}};

}  // namespace

std::span<const Metric> scrape_error_metrics() { return metrics; }

ScrapeErrors::ScrapeErrors(Catalog& catalog, const Labels& labels)
    : failed_series_(catalog.series(metrics[0], labels)),
      unreadable_series_(catalog.series(metrics[1], labels)),
      partial_series_(catalog.series(metrics[2], labels)) {}

void ScrapeErrors::add(const PassOutcome& outcome, Batch& batch) {
  partial_ += outcome.partial_errors;
  batch.add(failed_series_, static_cast<double>(failed_));
  batch.add(unreadable_series_, static_cast<double>(unreadable_));
  batch.add(partial_series_, static_cast<double>(partial_));
}

}  // namespace sidewatch
