// Composes the parts into collectors and runs them.
#include "collectors/host/host.h"

#include <array>
#include <chrono>
#include <cmath>
#include <utility>

namespace sidewatch {
namespace {

constexpr Metric kPartDuration{"node_scrape_collector_duration_seconds", MetricType::gauge, "seconds",
                               "How long reading this part of the host took in the latest pass."};
constexpr Metric kPartSuccess{"node_scrape_collector_success", MetricType::gauge, "",
                              "Whether this part of the host could be read in the latest pass: 1, or 0 when it failed "
                              "or this machine has no such thing."};

// What this machine does not have (a kernel module, a device) is looked for again only after this long.
constexpr Duration kAbsenceRest = std::chrono::seconds(10);

// No finer: what follows is noise, which a page and the history would keep digit by digit.
double in_microseconds(double seconds) { return std::round(seconds * 1e6) / 1e6; }

constexpr std::array kHostParts{
    PartKind{"arp", make_arp_part, arp_metrics, "neighbours known per interface"},
    PartKind{"bcache", make_bcache_part, bcache_metrics, "caches in front of block devices"},
    PartKind{"bonding", make_bonding_part, bonding_metrics, "bonded interfaces and their members"},
    PartKind{"btrfs", make_btrfs_part, btrfs_metrics, "space, devices and errors of Btrfs filesystems"},
    PartKind{"conntrack", make_conntrack_part, conntrack_metrics, "connection tracking table"},
    PartKind{"cpu", make_cpu_part, cpu_metrics, "CPU time per core and mode"},
    PartKind{"cpufreq", make_cpufreq_part, cpufreq_metrics, "clock frequencies per core"},
    PartKind{"diskstats", make_diskstats_part, diskstats_metrics, "I/O of block devices"},
    PartKind{"dmi", make_dmi_part, dmi_metrics, "what the firmware says of the machine"},
    PartKind{"edac", make_edac_part, edac_metrics, "memory errors counted by the hardware"},
    PartKind{"entropy", make_entropy_part, entropy_metrics, "the kernel's entropy pool"},
    PartKind{"fibrechannel", make_fibrechannel_part, fibrechannel_metrics, "ports of Fibre Channel adapters"},
    PartKind{"filefd", make_filefd_part, filefd_metrics, "open file descriptors of the whole machine"},
    PartKind{"hwmon", make_hwmon_part, hwmon_metrics, "temperatures, fans, voltages and power of sensor chips"},
    PartKind{"infiniband", make_infiniband_part, infiniband_metrics, "ports of InfiniBand adapters"},
    PartKind{"ipvs", make_ipvs_part, ipvs_metrics, "load balancing by the kernel"},
    PartKind{"loadavg", make_loadavg_part, loadavg_metrics, "load averages"},
    PartKind{"mdadm", make_mdadm_part, mdadm_metrics, "software RAID arrays"},
    PartKind{"meminfo", make_meminfo_part, meminfo_metrics, "memory and swap, every key of /proc/meminfo"},
    PartKind{"netclass", make_netclass_part, netclass_metrics, "state and properties of network interfaces"},
    PartKind{"netdev", make_netdev_part, netdev_metrics, "traffic of network interfaces"},
    PartKind{"netstat", make_netstat_part, netstat_metrics, "counters of IP, TCP, UDP and ICMP"},
    PartKind{"nfs", make_nfs_part, nfs_metrics, "calls of the NFS client"},
    PartKind{"nfsd", make_nfsd_part, nfsd_metrics, "calls to the NFS server"},
    PartKind{"nvme", make_nvme_part, nvme_metrics, "what the NVMe controllers are"},
    PartKind{"os", make_os_part, os_metrics, "name and version of the operating system"},
    PartKind{"powersupplyclass", make_powersupplyclass_part, powersupplyclass_metrics, "batteries and mains adapters"},
    PartKind{"pressure", make_pressure_part, pressure_metrics, "pressure stall information (PSI)"},
    PartKind{"rapl", make_rapl_part, rapl_metrics, "energy used by the processor and memory"},
    PartKind{"schedstat", make_schedstat_part, schedstat_metrics, "how long tasks ran and waited per core"},
    PartKind{"selinux", make_selinux_part, selinux_metrics, "whether SELinux is on"},
    PartKind{"sockstat", make_sockstat_part, sockstat_metrics, "sockets in use"},
    PartKind{"softnet", make_softnet_part, softnet_metrics, "packets handled and dropped per core"},
    PartKind{"stat", make_stat_part, stat_metrics, "boot time, forks, interrupts, context switches, processes"},
    PartKind{"tapestats", make_tapestats_part, tapestats_metrics, "I/O of tape drives"},
    PartKind{"textfile", make_textfile_part, textfile_metrics, "samples that other programs leave in files *.prom"},
    PartKind{"thermal_zone", make_thermal_zone_part, thermal_zone_metrics, "temperatures and cooling devices"},
    PartKind{"time", make_time_part, time_metrics, "the wall clock"},
    PartKind{"timex", make_timex_part, timex_metrics, "whether the clock is synchronised, and how far it is off"},
    PartKind{"udp_queues", make_udp_queues_part, udp_queues_metrics, "bytes waiting in the queues of UDP sockets"},
    PartKind{"uname", make_uname_part, uname_metrics, "name and kernel of the machine"},
    PartKind{"vmstat", make_vmstat_part, vmstat_metrics, "paging, swapping and OOM kills"},
    PartKind{"watchdog", make_watchdog_part, watchdog_metrics, "watchdogs that restart the machine"},
    PartKind{"xfs", make_xfs_part, xfs_metrics, "what XFS did per filesystem"},
    PartKind{"zfs", make_zfs_part, zfs_metrics, "caches, pools and datasets of ZFS"},
};

constexpr std::array kFilesystemParts{
    PartKind{"filesystem", make_filesystem_part, filesystem_metrics, "space and inodes of local filesystems"},
};

constexpr std::array kRemoteFilesystemParts{
    PartKind{"filesystem_remote", make_remote_filesystem_part, filesystem_metrics,
             "space and inodes of network filesystems (NFS, SMB, FUSE, ...)"},
};

}  // namespace

HostCollector::HostCollector(Catalog& catalog, const HostConfig& config, std::span<const PartKind> parts,
                             HostSystem system)
    : sources_(catalog, config.roots, system) {
  for (const PartKind& kind : parts) {
    if (!config.part_on(kind.name)) continue;
    const Labels labels{{"collector", kind.name}};
    parts_.push_back({kind.name, kind.make(sources_, config), catalog.series(kPartDuration, labels),
                      catalog.series(kPartSuccess, labels), 0, Time::min()});
  }
}

Result<PassOutcome> HostCollector::collect(Batch& batch, Time now) {
  ++sources_.pass;
  PassOutcome outcome;
  bool any_succeeded = false;
  for (Running& running : parts_) {
    const PartReport report = run(running, batch, now);
    if (report.errors() > 0 && outcome.partial_errors == 0) {
      outcome.first_partial_error = std::string(running.name) + ": " + report.first_error();
    }
    outcome.partial_errors += report.errors();
    any_succeeded = any_succeeded || report.state() != PartReport::State::failed;
  }
  if (sources_.proc.status() != FileStatus::ok) return sources_.proc.error("", sources_.proc.error_number());
  if (!any_succeeded) return Error{"nothing could be read, first " + outcome.first_partial_error, sources_.proc.path()};
  return outcome;
}

PartReport HostCollector::run(Running& running, Batch& batch, Time now) {
  PartReport report;
  if (now < running.rests_until) {
    report.absent();
  } else {
    const double start = sources_.system.elapsed_seconds();
    running.part->sample(batch, report);
    running.seconds = in_microseconds(sources_.system.elapsed_seconds() - start);
    if (report.state() == PartReport::State::absent) running.rests_until = now + kAbsenceRest;
  }
  batch.add(running.duration, running.seconds);
  batch.add(running.success, report.state() == PartReport::State::ok ? 1 : 0);
  return report;
}

std::vector<MetricGroup> host_metric_groups() {
  std::vector<MetricGroup> groups;
  for (const auto parts : {host_parts(), filesystem_parts()}) {  // the remote filesystems' metrics are the local ones'
    for (const PartKind& kind : parts) {
      const auto metrics = kind.metrics();
      groups.push_back({"host: " + std::string(kind.name), std::string(kind.help), {metrics.begin(), metrics.end()}});
    }
  }
  groups.push_back({"host: its parts", "how reading each part went, by the label collector",
                    {kPartDuration, kPartSuccess}});
  return groups;
}

std::span<const PartKind> host_parts() { return kHostParts; }
std::span<const PartKind> filesystem_parts() { return kFilesystemParts; }
std::span<const PartKind> remote_filesystem_parts() { return kRemoteFilesystemParts; }

}  // namespace sidewatch
