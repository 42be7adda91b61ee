// Every metric of the container collector, under cAdvisor's names where cAdvisor has one.
//
// A table per subject; the enum before it names its rows. Labels: `name` and `container` are the target's name in the
// configuration (Docker's dashboards ask for the one, Kubernetes' for the other), `id` is the path of its cgroup, and
// the target's own `labels` follow. The derived series and those about the target itself have no `id`: who is alerted
// about them must not be alerted anew because the container got another cgroup when it was restarted.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "collectors/table.h"
#include "metrics/metric.h"

namespace sidewatch::container {

enum MemoryMetric : std::size_t {
  memory_usage,
  memory_working_set,
  memory_rss,
  memory_cache,
  memory_swap,
  memory_mapped_file,
  memory_kernel,
  memory_active_file,
  memory_inactive_file,
  memory_max_usage,
  memory_failcnt,
  memory_page_faults,
  memory_events,
  oom_events,
  memory_limit,
  memory_reservation,
  memory_swap_limit,
  memory_high,
};
inline constexpr std::array kMemoryMetrics{
    Metric{"container_memory_usage_bytes", MetricType::gauge, "bytes",
           "Memory charged to the container, page cache included."},
    Metric{"container_memory_working_set_bytes", MetricType::gauge, "bytes",
           "Memory charged to the container without the page cache that has not been used lately: what the OOM "
           "killer and the kubelet go by."},
    Metric{"container_memory_rss", MetricType::gauge, "", "Anonymous memory of the container, in bytes."},
    Metric{"container_memory_cache", MetricType::gauge, "",
           "Page cache of the container, memory shared between processes included, in bytes."},
    Metric{"container_memory_swap", MetricType::gauge, "", "Memory of the container that is in swap, in bytes."},
    Metric{"container_memory_mapped_file", MetricType::gauge, "",
           "Page cache of the container that its processes have mapped, in bytes."},
    Metric{"container_memory_kernel_usage", MetricType::gauge, "",
           "Memory that the kernel uses for the container, in bytes."},
    Metric{"container_memory_total_active_file_bytes", MetricType::gauge, "bytes",
           "Page cache of the container that was used lately."},
    Metric{"container_memory_total_inactive_file_bytes", MetricType::gauge, "bytes",
           "Page cache of the container that was not used lately."},
    Metric{"container_memory_max_usage_bytes", MetricType::gauge, "bytes",
           "Most memory that was ever charged to the container."},
    Metric{"container_memory_failcnt", MetricType::counter, "",
           "Times that the container's memory reached its limit and the kernel had to make room."},
    Metric{"container_memory_failures_total", MetricType::counter, "",
           "Page faults of the container by failure_type (pgfault, pgmajfault), with those of cgroups below it (scope "
           "hierarchy)."},
    Metric{"container_memory_events_total", MetricType::counter, "",
           "What the kernel did about the container's memory, by event: low, high, max, oom, oom_kill, "
           "oom_group_kill."},
    Metric{"container_oom_events_total", MetricType::counter, "",
           "Processes of the container that the OOM killer killed."},
    Metric{"container_spec_memory_limit_bytes", MetricType::gauge, "bytes",
           "Memory limit in force: the smallest of the container's and of all cgroups above it that can be seen; 0 is "
           "without a limit, absent is unknown."},
    Metric{"container_spec_memory_reservation_limit_bytes", MetricType::gauge, "bytes",
           "Memory that the kernel tries to leave to the container; 0 is none."},
    Metric{"container_spec_memory_swap_limit_bytes", MetricType::gauge, "bytes",
           "Swap limit of the container, on cgroup v1 of memory and swap together; 0 is without a limit."},
    Metric{"container_spec_memory_high_bytes", MetricType::gauge, "bytes",
           "Memory from which on the container is slowed down (memory.high), the smallest of its own and of all "
           "cgroups above it; 0 is none."},
};

enum CpuMetric : std::size_t {
  cpu_usage,
  cpu_user,
  cpu_system,
  cpu_periods,
  cpu_throttled_periods,
  cpu_throttled_seconds,
  cpu_burst_periods,
  cpu_burst_seconds,
  cpu_quota,
  cpu_period,
  cpu_shares,
};
inline constexpr std::array kCpuMetrics{
    Metric{"container_cpu_usage_seconds_total", MetricType::counter, "seconds",
           "CPU time that the container used, over all cores (cpu=\"total\")."},
    Metric{"container_cpu_user_seconds_total", MetricType::counter, "seconds",
           "CPU time that the container used in its programs."},
    Metric{"container_cpu_system_seconds_total", MetricType::counter, "seconds",
           "CPU time that the container used in the kernel."},
    Metric{"container_cpu_cfs_periods_total", MetricType::counter, "",
           "Enforcement periods of the CPU quota in which the container ran."},
    Metric{"container_cpu_cfs_throttled_periods_total", MetricType::counter, "",
           "Enforcement periods in which the container used up its CPU quota and had to wait."},
    Metric{"container_cpu_cfs_throttled_seconds_total", MetricType::counter, "seconds",
           "Time that the container's runnable tasks had to wait for the next period, summed over cores."},
    Metric{"container_cpu_cfs_burst_periods_total", MetricType::counter, "",
           "Enforcement periods in which the container used CPU time saved in earlier ones."},
    Metric{"container_cpu_cfs_burst_seconds_total", MetricType::counter, "seconds",
           "CPU time saved in earlier periods that the container used."},
    Metric{"container_spec_cpu_quota", MetricType::gauge, "",
           "Microseconds of CPU time per period that the tightest quota of the container and of all cgroups above it "
           "allows; absent when there is none or it is unknown."},
    Metric{"container_spec_cpu_period", MetricType::gauge, "",
           "Microseconds of a period of that quota; without a quota, of the container's own."},
    Metric{"container_spec_cpu_shares", MetricType::gauge, "",
           "Share of the CPU beside others that want it, as cgroup v1 counts: 1024 is one container's usual share."},
};

enum IoMetric : std::size_t { fs_reads, fs_writes, fs_read_bytes, fs_write_bytes };
inline constexpr std::array kIoMetrics{
    Metric{"container_fs_reads_total", MetricType::counter, "", "Reads from the device by the container."},
    Metric{"container_fs_writes_total", MetricType::counter, "", "Writes to the device by the container."},
    Metric{"container_fs_reads_bytes_total", MetricType::counter, "bytes",
           "Bytes that the container read from the device."},
    Metric{"container_fs_writes_bytes_total", MetricType::counter, "bytes",
           "Bytes that the container wrote to the device."},
};

enum TaskMetric : std::size_t {
  processes,
  threads,
  threads_max,
  threads_refused,
  file_descriptors,
  soft_limits,
  start_time,
  last_seen,
};
inline constexpr std::array kTaskMetrics{
    Metric{"container_processes", MetricType::gauge, "", "Processes in the container."},
    Metric{"container_threads", MetricType::gauge, "", "Processes and threads in the container."},
    Metric{"container_threads_max", MetricType::gauge, "",
           "Most processes and threads that the container may have: the smallest limit of its own and of all cgroups "
           "above it; 0 is without a limit, absent is unknown."},
    Metric{"container_pids_events_total", MetricType::counter, "",
           "Times that a new process or thread was refused because of the limit."},
    Metric{"container_file_descriptors", MetricType::gauge, "",
           "File descriptors that the container's processes have open."},
    Metric{"container_ulimits_soft", MetricType::gauge, "",
           "Soft limit of the container's first process, by ulimit (max_open_files)."},
    Metric{"container_start_time_seconds", MetricType::gauge, "seconds",
           "When the container's oldest process started, in seconds since 1970."},
    Metric{"container_last_seen", MetricType::gauge, "", "When the container was last seen, in seconds since 1970."},
};

enum PressureMetric : std::size_t {
  cpu_waiting,
  cpu_stalled,
  memory_waiting,
  memory_stalled,
  io_waiting,
  io_stalled,
};
inline constexpr std::array kPressureMetrics{
    Metric{"container_pressure_cpu_waiting_seconds_total", MetricType::counter, "seconds",
           "Time in which some task of the container waited for a core."},
    Metric{"container_pressure_cpu_stalled_seconds_total", MetricType::counter, "seconds",
           "Time in which every runnable task of the container waited for a core, as when it is throttled."},
    Metric{"container_pressure_memory_waiting_seconds_total", MetricType::counter, "seconds",
           "Time in which some task of the container waited for memory."},
    Metric{"container_pressure_memory_stalled_seconds_total", MetricType::counter, "seconds",
           "Time in which every task of the container waited for memory."},
    Metric{"container_pressure_io_waiting_seconds_total", MetricType::counter, "seconds",
           "Time in which some task of the container waited for I/O."},
    Metric{"container_pressure_io_stalled_seconds_total", MetricType::counter, "seconds",
           "Time in which every task of the container waited for I/O."},
};

inline constexpr std::array kNetworkMetrics{
    Metric{"container_network_receive_bytes_total", MetricType::counter, "bytes", "Bytes that the interface received."},
    Metric{"container_network_receive_packets_total", MetricType::counter, "", "Packets that the interface received."},
    Metric{"container_network_receive_errors_total", MetricType::counter, "",
           "Packets that the interface received with errors."},
    Metric{"container_network_receive_packets_dropped_total", MetricType::counter, "",
           "Packets that the interface received and dropped."},
    Metric{"container_network_transmit_bytes_total", MetricType::counter, "bytes", "Bytes that the interface sent."},
    Metric{"container_network_transmit_packets_total", MetricType::counter, "", "Packets that the interface sent."},
    Metric{"container_network_transmit_errors_total", MetricType::counter, "",
           "Packets that the interface could not send for errors."},
    Metric{"container_network_transmit_packets_dropped_total", MetricType::counter, "",
           "Packets that the interface dropped instead of sending them."},
};

enum DerivedMetric : std::size_t {
  memory_limit_used,
  memory_time_to_oom,
  cpu_limit_cores,
  cpu_quota_used,
  cpu_throttled,
  threads_limit_used,
  file_descriptors_limit_used,
  oom_kills,
};
inline constexpr std::array kDerivedMetrics{
    Metric{"container_memory_limit_used_ratio", MetricType::gauge, "ratio",
           "Working set divided by the memory limit in force, 0 to 1; absent without a limit."},
    Metric{"container_memory_time_to_oom_seconds", MetricType::gauge, "seconds",
           "Time until the working set reaches the memory limit if it goes on as in the last 10 minutes; +Inf "
           "while it does not rise, absent without a limit and in the first 2 minutes."},
    Metric{"container_cpu_limit_cores", MetricType::gauge, "",
           "Cores that the CPU quota in force allows: quota divided by period; absent without a quota."},
    Metric{"container_cpu_quota_used_ratio", MetricType::gauge, "ratio",
           "CPU time used since the last pass divided by what the quota in force allowed, 0 to 1; bursts may "
           "exceed it."},
    Metric{"container_cpu_throttled_ratio", MetricType::gauge, "ratio",
           "Share of the enforcement periods since the last pass in which the container had to wait, 0 to 1."},
    Metric{"container_threads_limit_used_ratio", MetricType::gauge, "ratio",
           "Processes and threads divided by the limit in force, 0 to 1; absent without a limit."},
    Metric{"container_file_descriptors_limit_used_ratio", MetricType::gauge, "ratio",
           "Highest share of its soft limit on open files that a process of the container uses, 0 to 1."},
    Metric{"container_oom_kills_total", MetricType::counter, "",
           "Processes of the container that the kernel killed for want of memory while the agent looked, over all its "
           "restarts; a kill that ended the whole container counts where a cgroup above it can be seen (cgroup v2)."},
};

enum TargetMetric : std::size_t { target_up, limit_source, limit_state };
inline constexpr std::array kTargetMetrics{
    Metric{"sidewatch_target_up", MetricType::gauge, "",
           "Whether the target's cgroup was found and could be read: 0 is not, such as while its process does not "
           "run."},
    Metric{"sidewatch_target_limit_source", MetricType::gauge, "",
           "Always 1; says by resource (memory, swap, cpu, pids) where the limit in force is from: cgroup (the agent's "
           "own view), process_root (the target's view, through /proc/PID/root), configured (limits of the "
           "configuration), unknown."},
    Metric{"sidewatch_target_limit_state", MetricType::gauge, "",
           "Always 1; says by resource whether the target is limited, unlimited, or it is unknown (label state)."},
};

// The tables with what they are about, for the written reference.
std::vector<MetricGroup> metric_groups();

}  // namespace sidewatch::container
