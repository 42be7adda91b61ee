// The metrics of a group, under process-exporter's names and a few of our own.
#pragma once

#include <cstddef>
#include <span>

#include "metrics/metric.h"

namespace sidewatch {

enum class GroupMetric : std::size_t {
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
  max_address_space,
  oom_score,
  oldest_start_time,
  num_threads,
  states,
  restarts_total,
  count
};

const Metric& metric_of(GroupMetric metric);
std::span<const Metric> process_group_metrics();

// Of the threads of a group.
enum class ThreadMetric : std::size_t {
  thread_count,
  cpu_seconds,
  io_bytes,
  major_page_faults,
  minor_page_faults,
  context_switches,
  wchan,
  count
};

const Metric& metric_of(ThreadMetric metric);
std::span<const Metric> process_thread_metrics();

}  // namespace sidewatch
