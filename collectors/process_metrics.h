// What every Prometheus client library says about its process: one table for the agent's own process and for the
// oldest of a watched group, so that both are told alike.
#pragma once

#include <array>
#include <cstddef>

#include "metrics/metric.h"

namespace sidewatch::process_metrics {

enum Index : std::size_t {
  cpu_seconds,
  resident_memory,
  virtual_memory,
  virtual_memory_max,
  open_fds,
  max_fds,
  start_time,
  threads,
  index_count
};

inline constexpr std::array<Metric, index_count> table = {{
    {"process_cpu_seconds_total", MetricType::counter, "seconds", "User and system CPU time that the process has used."},
    {"process_resident_memory_bytes", MetricType::gauge, "bytes", "Resident memory of the process."},
    {"process_virtual_memory_bytes", MetricType::gauge, "bytes", "Virtual memory of the process."},
    {"process_virtual_memory_max_bytes", MetricType::gauge, "bytes",
     "How much virtual memory the process may have; 2^64 when there is no limit."},
    {"process_open_fds", MetricType::gauge, "", "Open file descriptors of the process."},
    {"process_max_fds", MetricType::gauge, "", "How many open file descriptors the process may have."},
    {"process_start_time_seconds", MetricType::gauge, "seconds",
     "When the process started, in seconds since 1970."},
    {"process_threads", MetricType::gauge, "", "Threads of the process."},
}};

}  // namespace sidewatch::process_metrics
