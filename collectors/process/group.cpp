// How the members of a group are summed up, and which of the sums are left out.
#include "collectors/process/group.h"

#include <unistd.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "collectors/process/group_metrics.h"

namespace sidewatch {
namespace {

struct CounterLabel {
  GroupMetric metric;
  std::string_view label;  // empty: only groupname
  std::string_view value;
};
constexpr std::array<CounterLabel, process_counter_count> counter_labels = {{
    {GroupMetric::cpu_seconds, "mode", "user"},
    {GroupMetric::cpu_seconds, "mode", "system"},
    {GroupMetric::minor_page_faults, "", ""},
    {GroupMetric::major_page_faults, "", ""},
    {GroupMetric::read_bytes_total, "", ""},
    {GroupMetric::write_bytes_total, "", ""},
    {GroupMetric::context_switches, "ctxswitchtype", "voluntary"},
    {GroupMetric::context_switches, "ctxswitchtype", "nonvoluntary"},
}};
constexpr std::array<std::string_view, 5> state_names = {"Running", "Sleeping", "Waiting", "Zombie", "Other"};
constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

double number(std::uint64_t value) { return static_cast<double>(value); }

void add_to(std::optional<std::uint64_t>& sum, const std::optional<std::uint64_t>& value) {
  if (value) sum = sum.value_or(0) + *value;
}

template <class T>
void keep_least(std::optional<T>& least, const std::optional<T>& value) {
  if (value) least = std::min(least.value_or(*value), *value);
}

}  // namespace

double CounterTotals::value(std::size_t counter) const {
  static const double ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  const bool ticks = counter == user_ticks || counter == system_ticks;
  return ticks ? number(sums[counter]) / ticks_per_second : number(sums[counter]);
}

ProcessGroup::ProcessGroup(const std::string& name, const ProcessDetails& details, Catalog& catalog)
    : threads_(name, details.max_thread_names, catalog), catalog_(catalog), labels_{{"groupname", name}} {
  const auto simple = [&](GroupMetric metric) { return catalog.series(metric_of(metric), labels_); };
  const auto memory = [&](std::string_view type) {
    return catalog.series(metric_of(GroupMetric::memory_bytes), labels_.with("memtype", type));
  };
  series_.processes = simple(GroupMetric::num_procs);
  series_.threads = simple(GroupMetric::num_threads);
  series_.resident = memory("resident");
  series_.virtual_memory = memory("virtual");
  series_.swapped = memory("swapped");
  series_.open_files = simple(GroupMetric::open_filedesc);
  series_.max_open_files = simple(GroupMetric::max_fds);
  series_.worst_ratio = simple(GroupMetric::worst_fd_ratio);
  series_.max_address_space = simple(GroupMetric::max_address_space);
  series_.oom_score = simple(GroupMetric::oom_score);
  series_.oldest_start = simple(GroupMetric::oldest_start_time);
  series_.restarts = simple(GroupMetric::restarts_total);
  for (std::size_t i = 0; i < state_count; ++i) {
    series_.states[i] = catalog.series(metric_of(GroupMetric::states), labels_.with("state", state_names[i]));
  }
  for (std::size_t i = 0; i < process_counter_count; ++i) {
    const auto& [metric, label, value] = counter_labels[i];
    series_.counters[i] =
        catalog.series(metric_of(metric), label.empty() ? labels_ : labels_.with(label, value));
  }
  if (details.process_metrics) service_.emplace(name, catalog);
}

void ProcessGroup::leader_joined(bool just_born) {
  if (just_born) {
    ++leaders_born_;
  } else if (leaders_missing_ > 0) {
    --leaders_missing_;
  }
}

void ProcessGroup::begin_pass() {
  present_ = Present();
  totals_.known = {};
  leaders_born_ = 0;
  threads_.begin_pass();
  if (service_) service_->begin_pass();
}

void ProcessGroup::add(const ProcessSample& sample, const MemberFacts& facts, ProcessCounters& previous) {
  ++present_.processes;
  ++present_.states[state_of(sample.state)];
  present_.threads += sample.threads;
  present_.resident_bytes += sample.resident_bytes;
  present_.virtual_bytes += sample.virtual_bytes;
  present_.swapped_bytes += sample.swapped_bytes;
  add_to(present_.proportional_resident_bytes, sample.proportional_resident_bytes);
  add_to(present_.proportional_swapped_bytes, sample.proportional_swapped_bytes);
  keep_least(present_.oldest_start_seconds, facts.start_seconds);
  add_limits(sample);
  totals_.add(sample.counters, facts.counts_from_birth, previous);
  if (service_ && facts.leads) service_->consider(sample, facts.start_seconds);
}

void ProcessGroup::add_limits(const ProcessSample& sample) {
  add_to(present_.open_files, sample.open_files);
  keep_least(present_.max_open_files, sample.max_open_files);
  keep_least(present_.max_address_space, sample.max_address_space);
  if (sample.oom_score) present_.oom_score = std::max(present_.oom_score.value_or(0), *sample.oom_score);
  if (sample.open_files && sample.max_open_files.value_or(0) > 0) {
    const double ratio = number(*sample.open_files) / number(*sample.max_open_files);
    present_.worst_ratio = std::max(present_.worst_ratio, ratio);
  }
}

void ProcessGroup::end_pass(Batch& batch) {
  const std::uint64_t replaced = std::min(leaders_missing_, leaders_born_);
  restarts_ += replaced;
  leaders_missing_ -= replaced;

  batch.add(series_.processes, number(present_.processes));
  batch.add(series_.threads, number(present_.threads));
  batch.add(series_.resident, number(present_.resident_bytes));
  batch.add(series_.virtual_memory, number(present_.virtual_bytes));
  batch.add(series_.swapped, number(present_.swapped_bytes));
  batch.add(series_.restarts, number(restarts_));
  for (std::size_t i = 0; i < state_count; ++i) batch.add(series_.states[i], number(present_.states[i]));
  emit_where_known(batch);
  threads_.end_pass(batch);
  if (service_) service_->end_pass(batch);
}

// What no member lets be read is left out: a 0 would be taken for a measurement.
void ProcessGroup::emit_where_known(Batch& batch) {
  if (present_.open_files || present_.processes == 0) {
    batch.add(series_.open_files, number(present_.open_files.value_or(0)));
    batch.add(series_.worst_ratio, present_.worst_ratio);
  }
  if (present_.max_open_files) batch.add(series_.max_open_files, number(*present_.max_open_files));
  if (const auto most = present_.max_address_space) {
    batch.add(series_.max_address_space, *most == unlimited ? std::numeric_limits<double>::infinity() : number(*most));
  }
  if (present_.oom_score) batch.add(series_.oom_score, number(*present_.oom_score));
  if (present_.oldest_start_seconds) batch.add(series_.oldest_start, *present_.oldest_start_seconds);
  for (std::size_t i = 0; i < process_counter_count; ++i) {
    if (totals_.known[i] || present_.processes == 0) batch.add(series_.counters[i], totals_.value(i));
  }
  emit_proportional(batch);
}

// The series are made when there is something to say for the first time: few groups ask for them.
void ProcessGroup::emit_proportional(Batch& batch) {
  const auto emit = [&](SeriesHandle& series, const std::optional<std::uint64_t>& bytes, std::string_view type) {
    if (!bytes) return;
    if (!series) series = catalog_.series(metric_of(GroupMetric::memory_bytes), labels_.with("memtype", type));
    batch.add(series, number(*bytes));
  };
  emit(series_.proportional_resident, present_.proportional_resident_bytes, "proportionalResident");
  emit(series_.proportional_swapped, present_.proportional_swapped_bytes, "proportionalSwapped");
}

ProcessGroup::State ProcessGroup::state_of(char letter) {
  switch (letter) {
    case 'R': return running;
    case 'S': return sleeping;
    case 'D': return waiting;
    case 'Z': return zombie;
    default: return other;
  }
}

}  // namespace sidewatch
