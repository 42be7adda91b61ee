// The tables, in the order of their enumerations.
#include "collectors/process/group_metrics.h"

#include <array>

namespace sidewatch {
namespace {

using enum MetricType;
constexpr std::array<Metric, static_cast<std::size_t>(GroupMetric::count)> group_metrics = {{
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
    {"namedprocess_namegroup_memory_bytes", gauge, "bytes",
     "Memory of this group, by memtype: resident, virtual, swapped; and, where asked for, proportionalResident and "
     "proportionalSwapped, in which what processes share is divided among them."},
    {"namedprocess_namegroup_open_filedesc", gauge, "", "Open file descriptors of this group."},
    {"namedprocess_namegroup_max_fds", gauge, "",
     "Smallest soft limit on open file descriptors among the processes of this group."},
    {"namedprocess_namegroup_worst_fd_ratio", gauge, "ratio",
     "Highest share of its soft limit that a process of this group uses in open file descriptors."},
    {"namedprocess_namegroup_max_address_space_bytes", gauge, "bytes",
     "Smallest soft limit on virtual memory among the processes of this group; +Inf when there is none."},
    {"namedprocess_namegroup_oom_score", gauge, "",
     "Highest of the kernel's scores, 0 to 2000, among the processes of this group: the highest is killed first when "
     "memory runs out."},
    {"namedprocess_namegroup_oldest_start_time_seconds", gauge, "seconds",
     "When the oldest process of this group started, in seconds since 1970."},
    {"namedprocess_namegroup_num_threads", gauge, "", "Threads of this group."},
    {"namedprocess_namegroup_states", gauge, "",
     "Processes of this group by state; Waiting is for storage and cannot be interrupted, Other is stopped or idle."},
    {"namedprocess_namegroup_restarts_total", counter, "",
     "Processes of this group that took the place of one that had ended."},
}};

constexpr std::array<Metric, static_cast<std::size_t>(ThreadMetric::count)> thread_metrics = {{
    {"namedprocess_namegroup_thread_count", gauge, "", "Threads of this group, by threadname."},
    {"namedprocess_namegroup_thread_cpu_seconds_total", counter, "seconds",
     "CPU time used by threads of this group, by threadname and mode."},
    {"namedprocess_namegroup_thread_io_bytes_total", counter, "bytes",
     "Bytes that threads of this group caused to be read from or written to storage, by threadname and iomode."},
    {"namedprocess_namegroup_thread_major_page_faults_total", counter, "",
     "Page faults of threads of this group that needed storage, by threadname."},
    {"namedprocess_namegroup_thread_minor_page_faults_total", counter, "",
     "Page faults of threads of this group that needed no storage, by threadname."},
    {"namedprocess_namegroup_thread_context_switches_total", counter, "",
     "Context switches of threads of this group, by threadname and ctxswitchtype."},
    {"namedprocess_namegroup_threads_wchan", gauge, "",
     "Threads of this group that wait in a function of the kernel, by wchan, its name."},
}};

}  // namespace

const Metric& metric_of(GroupMetric metric) { return group_metrics[static_cast<std::size_t>(metric)]; }
std::span<const Metric> process_group_metrics() { return group_metrics; }

const Metric& metric_of(ThreadMetric metric) { return thread_metrics[static_cast<std::size_t>(metric)]; }
std::span<const Metric> process_thread_metrics() { return thread_metrics; }

}  // namespace sidewatch
