// The `host` key of the configuration: where the host's files stand, which parts are sampled, which devices count.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/regex.h"
#include "base/time.h"
#include "config/section.h"

namespace sidewatch {

// Where the host is seen from here. In a container: the host's directories as they are mounted (/host/proc, ...).
struct HostRoots {
  std::string procfs = "/proc";
  std::string sysfs = "/sys";
  std::string rootfs = "/";  // put before each mount point when its filesystem is asked
  std::string udev;          // udev's database; run/udev/data under rootfs when empty
};

// Which names of a kind are sampled: those that `include` finds and `exclude` does not (both unanchored).
struct NameFilter {
  Regex include;
  Regex exclude;
  bool passes(std::string_view name) const { return include.partial_match(name) && !exclude.partial_match(name); }
};

// What /proc/cpuinfo is asked for.
struct CpuInfoConfig {
  CpuInfoConfig();
  bool info = false;
  Regex flags;  // of the features, those that it finds
  Regex bugs;
};

struct HostConfig {
  HostConfig();  // the defaults, which are node_exporter's

  std::optional<Duration> interval;
  HostRoots roots;
  std::vector<std::string> parts_off;  // names of parts that are not sampled
  CpuInfoConfig cpu;
  NameFilter disks;
  NameFilter interfaces;
  NameFilter mounts;            // by mount point
  NameFilter filesystem_types;  // ext4, nfs, ...
  Duration mount_timeout = std::chrono::seconds(2);  // for a network filesystem to answer
  std::vector<std::string> textfile_directories;     // where *.prom are read, as they are seen from here
  Regex vmstat_fields;          // keys of /proc/vmstat
  Regex netstat_fields;         // "Tcp_RetransSegs": protocol and name of /proc/net/{netstat,snmp,snmp6}

  bool part_on(std::string_view name) const;
  // Everything above in one text: equal for configurations that mean the same.
  std::string fingerprint() const;
};

void declare(config::Section& section, HostRoots& roots);
void declare(config::Section& section, NameFilter& filter);
void declare(config::Section& section, CpuInfoConfig& cpu);
void declare(config::Section& section, HostConfig& config);

}  // namespace sidewatch
