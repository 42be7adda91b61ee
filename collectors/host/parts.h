// The parts of the host collector, one file each, and the tables that compose them.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "collectors/host/config.h"
#include "collectors/host/part.h"

namespace sidewatch {

using MakePart = std::unique_ptr<Part>(HostSources& sources, const HostConfig& config);

MakePart make_arp_part;
MakePart make_bcache_part;
MakePart make_bonding_part;
MakePart make_btrfs_part;
MakePart make_conntrack_part;
MakePart make_cpu_part;
MakePart make_cpufreq_part;
MakePart make_diskstats_part;
MakePart make_dmi_part;
MakePart make_edac_part;
MakePart make_entropy_part;
MakePart make_fibrechannel_part;
MakePart make_filefd_part;
MakePart make_filesystem_part;         // what is on this machine
MakePart make_remote_filesystem_part;  // what a server elsewhere answers for, or fails to
MakePart make_hwmon_part;
MakePart make_infiniband_part;
MakePart make_ipvs_part;
MakePart make_loadavg_part;
MakePart make_mdadm_part;
MakePart make_meminfo_part;
MakePart make_netclass_part;
MakePart make_netdev_part;
MakePart make_netstat_part;
MakePart make_nfs_part;
MakePart make_nfsd_part;
MakePart make_nvme_part;
MakePart make_os_part;
MakePart make_powersupplyclass_part;
MakePart make_pressure_part;
MakePart make_rapl_part;
MakePart make_schedstat_part;
MakePart make_selinux_part;
MakePart make_sockstat_part;
MakePart make_softnet_part;
MakePart make_stat_part;
MakePart make_tapestats_part;
MakePart make_textfile_part;
MakePart make_thermal_zone_part;
MakePart make_time_part;
MakePart make_timex_part;
MakePart make_udp_queues_part;
MakePart make_uname_part;
MakePart make_vmstat_part;
MakePart make_watchdog_part;
MakePart make_xfs_part;
MakePart make_zfs_part;

// The metrics of each part. In a family whose names come from the kernel, '*' stands for the kernel's key.
std::span<const Metric> arp_metrics();
std::span<const Metric> bcache_metrics();
std::span<const Metric> bonding_metrics();
std::span<const Metric> btrfs_metrics();
std::span<const Metric> conntrack_metrics();
std::span<const Metric> cpu_metrics();
std::span<const Metric> cpufreq_metrics();
std::span<const Metric> diskstats_metrics();
std::span<const Metric> dmi_metrics();
std::span<const Metric> edac_metrics();
std::span<const Metric> entropy_metrics();
std::span<const Metric> fibrechannel_metrics();
std::span<const Metric> filefd_metrics();
std::span<const Metric> filesystem_metrics();
std::span<const Metric> hwmon_metrics();
std::span<const Metric> infiniband_metrics();
std::span<const Metric> ipvs_metrics();
std::span<const Metric> loadavg_metrics();
std::span<const Metric> mdadm_metrics();
std::span<const Metric> meminfo_metrics();
std::span<const Metric> netclass_metrics();
std::span<const Metric> netdev_metrics();
std::span<const Metric> netstat_metrics();
std::span<const Metric> nfs_metrics();
std::span<const Metric> nfsd_metrics();
std::span<const Metric> nvme_metrics();
std::span<const Metric> os_metrics();
std::span<const Metric> powersupplyclass_metrics();
std::span<const Metric> pressure_metrics();
std::span<const Metric> rapl_metrics();
std::span<const Metric> schedstat_metrics();
std::span<const Metric> selinux_metrics();
std::span<const Metric> sockstat_metrics();
std::span<const Metric> softnet_metrics();
std::span<const Metric> stat_metrics();
std::span<const Metric> tapestats_metrics();
std::span<const Metric> textfile_metrics();
std::span<const Metric> thermal_zone_metrics();
std::span<const Metric> time_metrics();
std::span<const Metric> timex_metrics();
std::span<const Metric> udp_queues_metrics();
std::span<const Metric> uname_metrics();
std::span<const Metric> vmstat_metrics();
std::span<const Metric> watchdog_metrics();
std::span<const Metric> xfs_metrics();
std::span<const Metric> zfs_metrics();

struct PartKind {
  std::string_view name;  // node_exporter's name of it: the label `collector` and the key under `parts:`
  MakePart* make;
  std::span<const Metric> (*metrics)();
  std::string_view help;
};

std::span<const PartKind> host_parts();               // what cannot block: the collector "host"
std::span<const PartKind> filesystem_parts();         // statfs of local filesystems: "host:filesystem"
std::span<const PartKind> remote_filesystem_parts();  // statfs that may hang for ever: "host:filesystem:remote"

}  // namespace sidewatch
