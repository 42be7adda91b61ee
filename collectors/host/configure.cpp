// The `host` key of the configuration: its declaration, and the collectors that are planned from it.
#include <optional>
#include <string>
#include <utility>

#include "collectors/host/host.h"

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
                   "directories whose files *.prom, in the Prometheus text format, are read; without any, none are");
  for (const std::string& directory : keys.directories) require_absolute(section, "directories", directory);
}

CollectorPlan plan_of(const HostConfig& config, std::string name, std::span<const PartKind> parts,
                      std::string_view what) {
  CollectorPlan plan;
  plan.name = std::move(name);
  plan.interval = config.interval;
  plan.watches = std::string(what);
  if (config.roots.procfs != "/proc") plan.watches += ", as " + config.roots.procfs + " tells it";
  plan.fingerprint = plan.name + '\n' + config.fingerprint();
  plan.make = [config, parts](const CollectorContext& context) {
    return std::make_unique<HostCollector>(context.catalog, config, parts);
  };
  return plan;
}

bool any_on(const HostConfig& config, std::span<const PartKind> parts) {
  for (const PartKind& kind : parts) {
    if (config.part_on(kind.name)) return true;
  }
  return false;
}

}  // namespace

void configure_host(config::Section& collectors, std::vector<CollectorPlan>& plans) {
  std::optional<HostConfig> config;
  collectors.section("host", config, "CPU, memory, load, disks, filesystems and network of this host");
  if (!config) return;
  if (any_on(*config, host_parts())) {
    plans.push_back(plan_of(*config, "host", host_parts(), "CPU, memory, load, disks and network of this host"));
  }
  if (any_on(*config, filesystem_parts())) {
    plans.push_back(plan_of(*config, "host:filesystem", filesystem_parts(), "local filesystems of this host"));
  }
  if (any_on(*config, remote_filesystem_parts())) {
    plans.push_back(plan_of(*config, "host:filesystem:remote", remote_filesystem_parts(),
                            "network filesystems mounted on this host"));
  }
}

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

void declare(config::Section& section, CpuInfoConfig& cpu) {
  section.optional("info", cpu.info, "whether node_cpu_info tells of each core what /proc/cpuinfo says");
  section.optional("flags", cpu.flags, "with info: the features that this regular expression finds are exported");
  section.optional("bugs", cpu.bugs, "with info: the hardware's flaws that this regular expression finds are exported");
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
  section.section("cpu", config.cpu, "what is told of the kind of processor");
  section.section("disks", config.disks, "which block devices are sampled");
  section.section("interfaces", config.interfaces, "which network interfaces are sampled");
  FilesystemKeys filesystems{config.mounts, config.filesystem_types, config.mount_timeout};
  section.section("filesystems", filesystems, "which filesystems are sampled");
  TextfileKeys textfile{config.textfile_directories};
  section.section("textfile", textfile, "samples that other programs leave in files");
  FieldsKey vmstat{config.vmstat_fields};
  section.section("vmstat", vmstat, "which counters of /proc/vmstat are exported");
  FieldsKey netstat{config.netstat_fields};
  section.section("netstat", netstat, "which counters of /proc/net/{netstat,snmp,snmp6} are exported");
}

}  // namespace sidewatch
