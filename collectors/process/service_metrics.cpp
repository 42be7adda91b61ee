// The oldest process of a pass is remembered with its sample and exposed at the end.
#include "collectors/process/service_metrics.h"

#include <unistd.h>

namespace sidewatch {
namespace {

using namespace process_metrics;

double number(std::uint64_t value) { return static_cast<double>(value); }

}  // namespace

ServiceMetrics::ServiceMetrics(const std::string& group, Catalog& catalog) {
  for (std::size_t i = 0; i < index_count; ++i) series_[i] = catalog.series(table[i], {{"groupname", group}});
}

void ServiceMetrics::consider(const ProcessSample& sample, std::optional<double> start_seconds) {
  if (sample.state == 'Z') return;
  if (!oldest_ || start_seconds < oldest_->start_seconds) oldest_ = Candidate{sample, start_seconds};
}

void ServiceMetrics::end_pass(Batch& batch) {
  if (!oldest_) return;
  static const double ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  const ProcessSample& sample = oldest_->sample;
  const auto ticks = sample.counters[user_ticks].value_or(0) + sample.counters[system_ticks].value_or(0);
  batch.add(series_[cpu_seconds], number(ticks) / ticks_per_second);
  batch.add(series_[resident_memory], number(sample.resident_bytes));
  batch.add(series_[virtual_memory], number(sample.virtual_bytes));
  if (sample.max_address_space) batch.add(series_[virtual_memory_max], number(*sample.max_address_space));
  if (sample.open_files) batch.add(series_[open_fds], number(*sample.open_files));
  if (sample.max_open_files) batch.add(series_[max_fds], number(*sample.max_open_files));
  if (oldest_->start_seconds) batch.add(series_[start_time], *oldest_->start_seconds);
  batch.add(series_[threads], number(sample.threads));
}

}  // namespace sidewatch
