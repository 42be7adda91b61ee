// The metrics of a group, under process-exporter's names and two of our own, and how they are summed up.
#include "collectors/process/group.h"

#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "metrics/metric.h"

namespace sidewatch {
namespace {

enum MetricIndex : std::size_t {
  num_procs,
  cpu_seconds,
  read_bytes_total,
  write_bytes_total,
  major_page_faults,
  minor_page_faults,
  context_switches,
  memory_bytes,
  open_filedesc,
  max_fds,
  worst_fd_ratio,
  oldest_start_time,
  num_threads,
  states,
  restarts_total,
  metric_count
};

using enum MetricType;
constexpr std::array<Metric, metric_count> metrics = {{
    {"namedprocess_namegroup_num_procs", gauge, "", "Processes in this group; 0 when none runs."},
    {"namedprocess_namegroup_cpu_seconds_total", counter, "seconds", "CPU time used by this group."},
    {"namedprocess_namegroup_read_bytes_total", counter, "bytes",
     "Bytes that this group caused to be read from storage."},
    {"namedprocess_namegroup_write_bytes_total", counter, "bytes",
     "Bytes that this group caused to be written to storage."},
    {"namedprocess_namegroup_major_page_faults_total", counter, "", "Page faults of this group that needed storage."},
    {"namedprocess_namegroup_minor_page_faults_total", counter, "",
     "Page faults of this group that needed no storage."},
    {"namedprocess_namegroup_context_switches_total", counter, "",
     "Context switches of this group, by ctxswitchtype."},
    {"namedprocess_namegroup_memory_bytes", gauge, "bytes", "Memory of this group, by memtype."},
    {"namedprocess_namegroup_open_filedesc", gauge, "", "Open file descriptors of this group."},
    {"namedprocess_namegroup_max_fds", gauge, "",
     "Smallest soft limit on open file descriptors among the processes of this group."},
    {"namedprocess_namegroup_worst_fd_ratio", gauge, "ratio",
     "Highest share of its soft limit that a process of this group uses in open file descriptors."},
    {"namedprocess_namegroup_oldest_start_time_seconds", gauge, "seconds",
     "When the oldest process of this group started, in seconds since 1970."},
    {"namedprocess_namegroup_num_threads", gauge, "", "Threads of this group."},
    {"namedprocess_namegroup_states", gauge, "",
     "Processes of this group by state; Waiting is for storage and cannot be interrupted, Other is stopped or idle."},
    {"namedprocess_namegroup_restarts_total", counter, "",
     "Processes of this group that took the place of one that had ended."},
}};

struct CounterLabel {
  MetricIndex metric;
  std::string_view label;  // empty: only groupname
  std::string_view value;
};
constexpr std::array<CounterLabel, process_counter_count> counter_labels = {{
    {cpu_seconds, "mode", "user"},
    {cpu_seconds, "mode", "system"},
    {minor_page_faults, "", ""},
    {major_page_faults, "", ""},
    {read_bytes_total, "", ""},
    {write_bytes_total, "", ""},
    {context_switches, "ctxswitchtype", "voluntary"},
    {context_switches, "ctxswitchtype", "nonvoluntary"},
}};
constexpr std::array<std::string_view, 5> state_names = {"Running", "Sleeping", "Waiting", "Zombie", "Other"};

double number(std::uint64_t value) { return static_cast<double>(value); }

double ticks_per_second() {
  static const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  return ticks;
}

}  // namespace

std::span<const Metric> process_group_metrics() { return metrics; }

ProcessGroup::ProcessGroup(const std::string& name, Catalog& catalog) {
  const Labels group{{"groupname", name}};
  const auto simple = [&](MetricIndex metric) { return catalog.series(metrics[metric], group); };
  const auto memory = [&](std::string_view type) {
    return catalog.series(metrics[memory_bytes], group.with("memtype", type));
  };
  series_.processes = simple(num_procs);
  series_.threads = simple(num_threads);
  series_.resident = memory("resident");
  series_.virtual_memory = memory("virtual");
  series_.swapped = memory("swapped");
  series_.open_files = simple(open_filedesc);
  series_.max_open_files = simple(max_fds);
  series_.worst_ratio = simple(worst_fd_ratio);
  series_.oldest_start = simple(oldest_start_time);
  series_.restarts = simple(restarts_total);
  for (std::size_t i = 0; i < state_count; ++i) {
    series_.states[i] = catalog.series(metrics[states], group.with("state", state_names[i]));
  }
  for (std::size_t i = 0; i < process_counter_count; ++i) {
    const auto& [metric, label, value] = counter_labels[i];
    series_.counters[i] = catalog.series(metrics[metric], label.empty() ? group : group.with(label, value));
  }
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
  leaders_born_ = 0;
}

void ProcessGroup::add(const ProcessSample& sample, std::optional<double> start_time_seconds, bool counts_from_birth,
                       ProcessCounters& previous) {
  ++present_.processes;
  ++present_.states[state_of(sample.state)];
  present_.threads += sample.threads;
  present_.resident_bytes += sample.resident_bytes;
  present_.virtual_bytes += sample.virtual_bytes;
  present_.swapped_bytes += sample.swapped_bytes;
  if (start_time_seconds) {
    const double oldest = present_.oldest_start_seconds.value_or(*start_time_seconds);
    present_.oldest_start_seconds = std::min(oldest, *start_time_seconds);
  }
  if (sample.open_files) present_.open_files = present_.open_files.value_or(0) + *sample.open_files;
  if (sample.max_open_files) {
    const auto smallest = present_.max_open_files.value_or(*sample.max_open_files);
    present_.max_open_files = std::min(smallest, *sample.max_open_files);
    if (sample.open_files && *sample.max_open_files > 0) {
      const double ratio = number(*sample.open_files) / number(*sample.max_open_files);
      present_.worst_ratio = std::max(present_.worst_ratio, ratio);
    }
  }
  for (std::size_t i = 0; i < process_counter_count; ++i) {
    const auto& now = sample.counters[i];
    if (!now) continue;
    present_.known[i] = true;
    const std::uint64_t before = previous[i].value_or(counts_from_birth ? 0 : *now);
    if (*now > before) totals_[i] += *now - before;
    previous[i] = std::max(before, *now);
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
  // What no member lets be read is left out: a 0 would be taken for a measurement.
  if (present_.open_files || present_.processes == 0) {
    batch.add(series_.open_files, number(present_.open_files.value_or(0)));
    batch.add(series_.worst_ratio, present_.worst_ratio);
  }
  if (present_.max_open_files) batch.add(series_.max_open_files, number(*present_.max_open_files));
  if (present_.oldest_start_seconds) batch.add(series_.oldest_start, *present_.oldest_start_seconds);
  emit_counters(batch);
}

void ProcessGroup::emit_counters(Batch& batch) {
  for (std::size_t i = 0; i < process_counter_count; ++i) {
    if (!present_.known[i] && present_.processes > 0) continue;
    const bool ticks = i == user_ticks || i == system_ticks;
    batch.add(series_.counters[i], ticks ? number(totals_[i]) / ticks_per_second() : number(totals_[i]));
  }
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
