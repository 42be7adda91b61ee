#include "collectors/container/derived.h"

#include "collectors/container/series.h"

namespace sidewatch::container {
namespace {

// How much a counter rose; nothing when it is not known at both times, or fell.
MaybeNumber rise(MaybeNumber before, MaybeNumber now) {
  if (!before || !now || *now < *before) return std::nullopt;
  return *now - *before;
}

}  // namespace

DerivedPart::DerivedPart(Catalog& catalog, const Labels& labels)
    : series_(series_of(catalog, kDerivedMetrics, labels, {oom_kills})) {}

void DerivedPart::forget() {
  before_.reset();
  memory_trend_.clear();
}

void DerivedPart::add_memory(PassContext& pass, Limit limit, MaybeNumber working_set, std::size_t level) {
  if (!working_set) return;
  if (level != memory_level_) memory_trend_.clear();
  memory_level_ = level;
  memory_trend_.add(pass.now, *working_set);
  if (limit.state != LimitState::limited || limit.value <= 0) return;
  pass.batch.add(series_[memory_limit_used], *working_set / limit.value);
  if (const auto seconds = memory_trend_.seconds_to(limit.value)) pass.batch.add(series_[memory_time_to_oom], *seconds);
}

void DerivedPart::add_cpu(PassContext& pass, Quota quota, const CpuUse& use) {
  const auto before = before_;
  before_ = {pass.now, use};
  if (quota.state != LimitState::limited) return;
  pass.batch.add(series_[cpu_limit_cores], quota.cores());
  if (!before || pass.now <= before->time || use.level != before->use.level) return;
  const double elapsed_seconds = to_seconds(pass.now - before->time);
  if (const auto used = rise(before->use.used_seconds, use.used_seconds)) {
    pass.batch.add(series_[cpu_quota_used], *used / (elapsed_seconds * quota.cores()));
  }
  const auto periods = rise(before->use.periods, use.periods);
  const auto throttled = rise(before->use.throttled_periods, use.throttled_periods);
  // Periods elapse only while something runs: none of them was throttled when there was none.
  if (periods && throttled) pass.batch.add(series_[cpu_throttled], *periods > 0 ? *throttled / *periods : 0);
}

void DerivedPart::add_tasks(PassContext& pass, const TaskReading& reading) {
  const bool limited = reading.limit.state == LimitState::limited && reading.limit.value > 0;
  if (limited && reading.threads_at_limit) {
    pass.batch.add(series_[threads_limit_used], *reading.threads_at_limit / reading.limit.value);
  }
  if (reading.files_of_limit) pass.batch.add(series_[file_descriptors_limit_used], *reading.files_of_limit);
}

}  // namespace sidewatch::container
