// Declaration of the `host` key. A regex is compiled once, here or by the reader; a device is judged when first seen.
#include "collectors/host/config.h"

#include <algorithm>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

// The defaults of node_exporter 1.5, with its own (not Debian's) choice of mount points: /mnt and /media are watched.
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
    "TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts)|"
    "Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)|"
    "Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$";

Regex compiled(std::string_view pattern) { return Regex::compile(pattern).value(); }

NameFilter all_but(std::string_view exclude) { return {compiled(kEverything), compiled(exclude)}; }

// `parts:`, a switch for each part.
struct PartSwitches {
  std::vector<std::string>* off;
};

void declare(config::Section& section, PartSwitches& switches) {
  for (const auto kinds : {host_parts(), filesystem_parts(), remote_filesystem_parts()}) {
    for (const PartKind& kind : kinds) {
      bool on = true;
      section.optional(kind.name, on, kind.help);
      if (!on) switches.off->emplace_back(kind.name);
    }
  }
}

struct FilesystemKeys {
  NameFilter& mounts;
  NameFilter& types;
};

void declare(config::Section& section, FilesystemKeys& keys) {
  section.section("mounts", keys.mounts, "which mount points are sampled");
  section.section("types", keys.types, "which types of filesystem are sampled");
}

struct FieldsKey {
  Regex& fields;
};

void declare(config::Section& section, FieldsKey& key) {
  section.optional("fields", key.fields, "the counters that this regular expression finds are exported");
}

void require_absolute(config::Section& section, std::string_view key, const std::string& path) {
  if (section.describing() || path.starts_with('/')) return;
  section.problem(key, "'" + path + "' is not an absolute path (it must start with '/')");
}

void append_filter(std::string& text, const NameFilter& filter) {
  text += filter.include.pattern() + '\n' + filter.exclude.pattern() + '\n';
}

}  // namespace

HostConfig::HostConfig()
    : disks(all_but(kPartitionsAndLoops)),
      interfaces(all_but(kNothing)),
      mounts(all_but(kSystemMounts)),
      filesystem_types(all_but(kSystemTypes)),
      vmstat_fields(compiled(kVmstatFields)),
      netstat_fields(compiled(kNetstatFields)) {}

bool HostConfig::part_on(std::string_view name) const {
  return std::find(parts_off.begin(), parts_off.end(), name) == parts_off.end();
}

std::string HostConfig::fingerprint() const {
  std::string text = interval ? std::to_string(interval->count()) : "";
  for (const std::string* path : {&roots.procfs, &roots.sysfs, &roots.rootfs}) text += '\n' + *path;
  for (const std::string& name : parts_off) text += "\noff " + name;
  text += '\n';
  for (const NameFilter* filter : {&disks, &interfaces, &mounts, &filesystem_types}) append_filter(text, *filter);
  return text + vmstat_fields.pattern() + '\n' + netstat_fields.pattern();
}

void declare(config::Section& section, HostRoots& roots) {
  section.optional("procfs", roots.procfs, "where the host's /proc is seen from here");
  section.optional("sysfs", roots.sysfs, "where the host's /sys is seen from here");
  section.optional("rootfs", roots.rootfs, "where the host's / is seen from here; put before each mount point");
  require_absolute(section, "procfs", roots.procfs);
  require_absolute(section, "sysfs", roots.sysfs);
  require_absolute(section, "rootfs", roots.rootfs);
}

void declare(config::Section& section, NameFilter& filter) {
  section.optional("include", filter.include, "only names that this regular expression finds (not anchored)");
  section.optional("exclude", filter.exclude, "no name that this regular expression finds (not anchored)");
}

void declare(config::Section& section, HostConfig& config) {
  section.optional("interval", config.interval, "how often the host is sampled; agent.interval when absent",
                   config::between(100ms, 1h));
  section.section("roots", config.roots, "where the host's directories are mounted, in a container");
  PartSwitches switches{&config.parts_off};
  section.section("parts", switches, "switches single parts off, as in {netclass: false}");
  section.section("disks", config.disks, "which block devices are sampled");
  section.section("interfaces", config.interfaces, "which network interfaces are sampled");
  FilesystemKeys filesystems{config.mounts, config.filesystem_types};
  section.section("filesystems", filesystems, "which filesystems are sampled");
  FieldsKey vmstat{config.vmstat_fields};
  section.section("vmstat", vmstat, "which counters of /proc/vmstat are exported");
  FieldsKey netstat{config.netstat_fields};
  section.section("netstat", netstat, "which counters of /proc/net/{netstat,snmp,snmp6} are exported");
}

}  // namespace sidewatch
