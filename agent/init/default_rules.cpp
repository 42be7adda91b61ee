// Few rules, each of which is a reason to look: what is about to stop, or has stopped. Tuning them is the user's; so
// each says in a line why it is as it is.
#include "agent/init/write_config.h"

namespace sidewatch::discovery {
namespace {

constexpr const char* host_rules = R"(
  - alert: HostMemory
    expr: 100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)
    warning:  {above: 85, clear: 80}
    critical: {above: 95, clear: 90}
    for: 1m
    summary: "Memory of the host is at {{ $value | humanize }} %"

  - alert: HostOutOfMemory
    expr: increase(node_vmstat_oom_kill[10m])
    critical: {above: 0}
    summary: "The kernel killed {{ $value | humanize }} processes in the last 10 minutes because memory ran out"

  - alert: HostCpu                     # a busy CPU is no harm in itself, so it must last
    expr: 100 * (1 - avg(rate(node_cpu_seconds_total{mode="idle"}[5m])))
    warning: {above: 90, clear: 80}
    for: 10m
    summary: "CPU of the host is at {{ $value | humanize }} % for 10 minutes"
)";

constexpr const char* swap_rule = R"(
  - alert: HostSwapping                # full swap is no harm; moving pages in and out all the time is
    expr: rate(node_vmstat_pswpin[5m]) + rate(node_vmstat_pswpout[5m])
    warning: {above: 1000, clear: 200}
    for: 5m
    summary: "The host moves {{ $value | humanize }} pages a second between memory and swap"
)";

constexpr const char* filesystem_rules = R"(
  - alert: HostDiskSpace
    expr: 100 * (1 - node_filesystem_avail_bytes / node_filesystem_size_bytes)
    warning:  {above: 85, clear: 82}
    critical: {above: 95, clear: 92}
    for: 1m
    summary: "{{ $labels.mountpoint }} is {{ $value | humanize }} % full"

  - alert: HostInodes                  # a disk can be full of small files long before it is full of bytes
    expr: 100 * (1 - node_filesystem_files_free / (node_filesystem_files > 0))
    warning:  {above: 85, clear: 82}
    critical: {above: 95, clear: 92}
    for: 1m
    summary: "{{ $labels.mountpoint }} has used {{ $value | humanize }} % of its inodes"
)";

constexpr const char* service_rules = R"(
  - alert: ServiceDown
    expr: namedprocess_namegroup_num_procs
    critical: "< 1"
    for: 30s                           # longer than a restart takes
    summary: "{{ $labels.groupname }} is not running"

  - alert: ServiceRestarts
    expr: increase(namedprocess_namegroup_restarts_total[15m])
    warning:  {above: 2}
    critical: {above: 5}
    summary: "{{ $labels.groupname }} was restarted {{ $value | humanize }} times in 15 minutes"

  - alert: ServiceOpenFiles
    expr: 100 * namedprocess_namegroup_worst_fd_ratio
    warning:  {above: 80, clear: 70}
    critical: {above: 95, clear: 90}
    for: 1m
    summary: "{{ $labels.groupname }} uses {{ $value | humanize }} % of the files that it may have open"

  # How much memory is too much only you know: take out the hash signs, put in your figures.
  # - alert: ServiceMemory
  #   expr: namedprocess_namegroup_memory_bytes{groupname="NAME", memtype="resident"}
  #   warning:  {above: 400MiB, clear: 350MiB}
  #   critical: {above: 600MiB, clear: 500MiB}
  #   for: 30s
  #   summary: "{{ $labels.groupname }} uses {{ $value | humanize1024 }}B of memory"
)";

constexpr const char* container_rules = R"(
  - alert: ContainerMemory             # at the limit the kernel kills it
    expr: 100 * container_memory_limit_used_ratio
    warning:  {above: 85, clear: 80}
    critical: {above: 95, clear: 90}
    for: 30s
    summary: "{{ $labels.name }} uses {{ $value | humanize }} % of the memory that its container may have"

  - alert: ContainerOutOfMemory
    expr: increase(container_oom_events_total[10m])
    critical: {above: 0}
    summary: "The kernel killed {{ $value | humanize }} processes of {{ $labels.name }} in 10 minutes: its memory ran out"

  - alert: ContainerThrottled          # it waits although the machine may have cores to spare
    expr: 100 * avg_over_time(container_cpu_throttled_ratio[5m])
    warning: {above: 25, clear: 15}
    for: 10m
    summary: "{{ $labels.name }} had to wait for CPU in {{ $value | humanize }} % of the periods"
)";

}  // namespace

bool watches_host(const Findings& findings) {
  return findings.machine.place == Place::host || !findings.root.empty();
}

std::vector<const Service*> containers_to_watch(const Findings& findings) {
  std::vector<const Service*> services;
  if (!findings.root.empty()) return services;
  for (const auto& service : findings.services.watched) {
    if (findings.machine.place != Place::host || !service.container.empty()) services.push_back(&service);
  }
  return services;
}

std::string default_rules(const Findings& findings) {
  std::string text;
  if (watches_host(findings)) {
    text += host_rules;
    if (findings.machine.has_swap) text += swap_rule;
    if (!findings.machine.filesystems.empty()) text += filesystem_rules;
  }
  if (!findings.services.watched.empty()) text += service_rules;
  if (!watches_host(findings) || !containers_to_watch(findings).empty()) text += container_rules;
  return text;
}

}  // namespace sidewatch::discovery
