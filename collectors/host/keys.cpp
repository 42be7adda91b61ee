// The keys under `host` in the configuration, each declared once: its type, its help, what it may not be.
//
// Where a key does what a flag of node_exporter does, docs/host.md says so, and a test holds that table.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/host/config.h"
#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

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
  Duration& mount_timeout;
};

void declare(config::Section& section, FilesystemKeys& keys) {
  section.section("mounts", keys.mounts, "which mount points are sampled");
  section.section("types", keys.types, "which types of filesystem are sampled");
  section.optional("mount_timeout", keys.mount_timeout,
                   "how long a network filesystem may take to answer; one that takes longer is shown with "
                   "node_filesystem_device_error 1 and asked again when it has answered",
                   config::between(100ms, 1min));
}

struct FieldsKey {
  Regex& fields;
};

void declare(config::Section& section, FieldsKey& key) {
  section.optional("fields", key.fields, "the counters that this regular expression finds are exported");
}

struct TextfileKeys {
  std::vector<std::string>& directories;
};

void require_absolute(config::Section& section, std::string_view key, const std::string& path) {
  if (section.describing() || path.starts_with('/')) return;
  section.problem(key, "'" + path + "' is not an absolute path (it must start with '/')");
}

void declare(config::Section& section, TextfileKeys& keys) {
  section.optional("directories", keys.directories,
                   "directories whose files *.prom, in the Prometheus text format, are read, or patterns of them "
                   "(/srv/*/metrics); without any, none are");
  for (const std::string& directory : keys.directories) require_absolute(section, "directories", directory);
}

// A mapping of one switch.
struct SwitchKey {
  const char* key;
  bool& on;
  const char* help;
};

void declare(config::Section& section, SwitchKey& key) { section.optional(key.key, key.on, key.help); }

struct IpvsKeys {
  std::vector<std::string>& backend_labels;
};

void declare(config::Section& section, IpvsKeys& keys) {
  section.optional("backend_labels", keys.backend_labels,
                   "the labels of a backend; backends that are alike in them are added up");
  if (section.describing()) return;
  for (const std::string& label : keys.backend_labels) {
    if (std::find(kIpvsBackendLabels.begin(), kIpvsBackendLabels.end(), label) != kIpvsBackendLabels.end()) continue;
    std::string known;
    for (const std::string_view one : kIpvsBackendLabels) (known += known.empty() ? "" : ", ") += one;
    section.problem("backend_labels", "'" + label + "' is not a label of a backend; there are " + known);
  }
}

void declare_network(config::Section& section, HostConfig& config) {
  section.section("interfaces", config.interfaces, "which network interfaces are sampled, by arp, netclass and netdev");
  section.section("arp", config.arp, "of which of these interfaces neighbours are counted");
  section.section("netclass", config.netclass, "of which of these interfaces state and properties are told");
  section.section("netdev", config.netdev, "of which of these interfaces traffic is told");
  FieldsKey netstat{config.netstat_fields};
  section.section("netstat", netstat, "which counters of /proc/net/{netstat,snmp,snmp6} are exported");
  IpvsKeys ipvs{config.ipvs_backend_labels};
  section.section("ipvs", ipvs, "how backends of load balancing by the kernel are told apart");
}

void declare_hardware(config::Section& section, HostConfig& config) {
  section.section("hwmon", config.hwmon, "which sensor chips, and which of their sensors, are sampled");
  section.section("power_supplies", config.power_supplies, "which batteries and mains adapters are sampled");
  section.section("tapes", config.tapes, "which tape drives are sampled");
  SwitchKey rapl{"zone_label", config.rapl_zone_label,
                 "whether the zones (package, core, dram, ...) are labels of one metric, node_rapl_joules_total, "
                 "instead of a metric each"};
  section.section("rapl", rapl, "how energy that the processor and memory used is named");
  SwitchKey bcache{"priority_stats", config.bcache_priority_stats,
                   "whether how much of a cache is unused, and how much is metadata, is told; the kernel works hard "
                   "to say it"};
  section.section("bcache", bcache, "what is told of block caches (bcache)");
}

}  // namespace

void declare(config::Section& section, HostRoots& roots) {
  section.optional("procfs", roots.procfs, "where the host's /proc is seen from here");
  section.optional("sysfs", roots.sysfs, "where the host's /sys is seen from here");
  section.optional("rootfs", roots.rootfs, "where the host's / is seen from here; put before each mount point");
  section.optional("udev", roots.udev,
                   "where udev's database of devices (/run/udev/data) is seen from here; run/udev/data under rootfs "
                   "when absent");
  require_absolute(section, "procfs", roots.procfs);
  require_absolute(section, "sysfs", roots.sysfs);
  require_absolute(section, "rootfs", roots.rootfs);
  if (!roots.udev.empty()) require_absolute(section, "udev", roots.udev);
}

void declare(config::Section& section, CpuConfig& cpu) {
  section.optional("guest", cpu.guest, "whether node_cpu_guest_seconds_total tells of time in virtual machines");
  section.optional("info", cpu.info,
                   "whether node_cpu_info tells of each core what /proc/cpuinfo says; on when flags or bugs is given");
  section.optional("flags", cpu.flags, "the processor's features that this regular expression finds are exported");
  section.optional("bugs", cpu.bugs, "the processor's flaws that this regular expression finds are exported");
  if (!section.has("info") && (section.has("flags") || section.has("bugs"))) cpu.info = true;
}

void declare(config::Section& section, NetclassConfig& netclass) {
  declare(section, netclass.interfaces);
  section.optional("ignore_invalid_speed", netclass.ignore_invalid_speed,
                   "whether an interface that does not know its speed (-1) has no node_network_speed_bytes");
}

void declare(config::Section& section, NetdevConfig& netdev) {
  declare(section, netdev.interfaces);
  section.optional("address_info", netdev.address_info,
                   "whether node_network_address_info tells of each interface's addresses");
}

void declare(config::Section& section, HwmonConfig& hwmon) {
  section.section("chips", hwmon.chips, "by the label chip");
  section.section("sensors", hwmon.sensors, "by chip and sensor with ';' between them, as in platform_coretemp_0;temp3");
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
  section.section("cpu", config.cpu, "what is told of cores beside their time");
  section.section("disks", config.disks, "which block devices are sampled");
  declare_network(section, config);
  FilesystemKeys filesystems{config.mounts, config.filesystem_types, config.mount_timeout};
  section.section("filesystems", filesystems, "which filesystems are sampled");
  TextfileKeys textfile{config.textfile_directories};
  section.section("textfile", textfile, "samples that other programs leave in files");
  FieldsKey vmstat{config.vmstat_fields};
  section.section("vmstat", vmstat, "which counters of /proc/vmstat are exported");
  SwitchKey stat{"softirqs", config.softirqs, "whether node_softirqs_total tells of soft interrupts by vector"};
  section.section("stat", stat, "what is told of /proc/stat beside CPU time");
  declare_hardware(section, config);
}

}  // namespace sidewatch
