// The defaults of the host collector. A regex is compiled once; a device is judged by it once, when it is first seen.
#include "collectors/host/config.h"

#include <algorithm>

namespace sidewatch {
namespace {

// The defaults of node_exporter 1.5, with its own (not Debian's) choice of mount points: /mnt and /media are watched.
// Of /proc/net/netstat also the two that 1.8 and 1.9 added.
constexpr std::string_view kEverything = ".*";
constexpr std::string_view kNothing = "^$";
constexpr std::string_view kPartitionsAndLoops = R"(^(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$)";
constexpr std::string_view kSystemMounts =
    "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)";
constexpr std::string_view kSystemTypes =
    "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|"
    "proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)$";
constexpr std::string_view kVmstatFields = "^(oom_kill|pgpg|pswp|pg.*fault).*";
constexpr std::string_view kNetstatFields =
    "^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)|"
    "TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)|"
    "Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)|"
    "Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$";

Regex compiled(std::string_view pattern) { return Regex::compile(pattern).value(); }

// Shared by all filters that have it.
const Regex& everything() {
  static const Regex kRegex = compiled(kEverything);
  return kRegex;
}

const Regex& nothing() {
  static const Regex kRegex = compiled(kNothing);
  return kRegex;
}

NameFilter all_but(std::string_view exclude) {
  NameFilter filter;
  filter.exclude = compiled(exclude);
  return filter;
}

void append_filter(std::string& text, const NameFilter& filter) {
  text += filter.include.pattern() + '\n' + filter.exclude.pattern() + '\n';
}

}  // namespace

NameFilter::NameFilter() : include(everything()), exclude(nothing()) {}

CpuConfig::CpuConfig() : flags(nothing()), bugs(nothing()) {}

HostConfig::HostConfig()
    : disks(all_but(kPartitionsAndLoops)),
      mounts(all_but(kSystemMounts)),
      filesystem_types(all_but(kSystemTypes)),
      ipvs_backend_labels(kIpvsBackendLabels.begin(), kIpvsBackendLabels.end()),
      vmstat_fields(compiled(kVmstatFields)),
      netstat_fields(compiled(kNetstatFields)) {}

bool HostConfig::part_on(std::string_view name) const {
  return std::find(parts_off.begin(), parts_off.end(), name) == parts_off.end();
}

std::string HostConfig::fingerprint() const {
  std::string text = interval ? std::to_string(interval->count()) : "";
  for (const std::string* path : {&roots.procfs, &roots.sysfs, &roots.rootfs, &roots.udev}) text += '\n' + *path;
  for (const std::string& directory : textfile_directories) text += "\ntextfile " + directory;
  for (const std::string& label : ipvs_backend_labels) text += "\nipvs " + label;
  for (const std::string& name : parts_off) text += "\noff " + name;
  text += '\n';
  for (const bool on : {cpu.guest, cpu.info, netclass.ignore_invalid_speed, netdev.address_info, rapl_zone_label,
                        softirqs, bcache_priority_stats}) {
    text += on ? '1' : '0';
  }
  text += '\n' + cpu.flags.pattern() + '\n' + cpu.bugs.pattern();
  text += '\n' + std::to_string(mount_timeout.count()) + '\n';
  for (const NameFilter* filter :
       {&disks, &interfaces, &arp, &netclass.interfaces, &netdev.interfaces, &hwmon.chips, &hwmon.sensors,
        &power_supplies, &tapes, &mounts, &filesystem_types}) {
    append_filter(text, *filter);
  }
  return text + vmstat_fields.pattern() + '\n' + netstat_fields.pattern();
}

}  // namespace sidewatch
