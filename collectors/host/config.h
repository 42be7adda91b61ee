// The `host` key of the configuration: where the host's files stand, which parts are sampled, which devices count.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/regex.h"
#include "base/time.h"
#include "config/section.h"

namespace sidewatch {

// The labels that a backend of IPVS can have.
inline constexpr std::array<std::string_view, 6> kIpvsBackendLabels{"local_address", "local_port", "remote_address",
                                                                    "remote_port",   "proto",      "local_mark"};

// Where the host is seen from here. In a container: the host's directories as they are mounted (/host/proc, ...).
struct HostRoots {
  std::string procfs = "/proc";
  std::string sysfs = "/sys";
  std::string rootfs = "/";  // put before each mount point when its filesystem is asked
  std::string udev;          // udev's database; run/udev/data under rootfs when empty
};

// Which names of a kind are sampled: those that `include` finds and `exclude` does not (both unanchored). An empty
// expression is none: it leaves nothing out.
struct NameFilter {
  NameFilter();  // lets everything pass
  Regex include;
  Regex exclude;
  bool passes(std::string_view name) const {
    return include.partial_match(name) && (exclude.pattern().empty() || !exclude.partial_match(name));
  }
};

// What passes two filters: that of all interfaces and that of one part.
struct InterfaceFilter {
  NameFilter all;
  NameFilter own;
  bool passes(std::string_view name) const { return all.passes(name) && own.passes(name); }
};

// What is told of cores beside their time.
struct CpuConfig {
  CpuConfig();
  bool guest = true;
  bool info = false;  // what /proc/cpuinfo says
  Regex flags;        // of the features, those that it finds
  Regex bugs;
};

struct NetdevConfig {
  NameFilter interfaces;
  bool address_info = false;
};

struct NetclassConfig {
  NameFilter interfaces;
  bool ignore_invalid_speed = false;
};

struct HwmonConfig {
  NameFilter chips;
  NameFilter sensors;  // by "chip;sensor"
};

struct HostConfig {
  HostConfig();  // the defaults, which are node_exporter's

  std::optional<Duration> interval;
  HostRoots roots;
  std::vector<std::string> parts_off;  // names of parts that are not sampled
  CpuConfig cpu;
  NameFilter disks;
  NameFilter interfaces;        // of the parts arp, netclass and netdev, each of which may narrow it down:
  NameFilter arp;
  NetclassConfig netclass;
  NetdevConfig netdev;
  HwmonConfig hwmon;
  NameFilter power_supplies;
  NameFilter tapes;
  NameFilter mounts;            // by mount point
  NameFilter filesystem_types;  // ext4, nfs, ...
  Duration mount_timeout = std::chrono::seconds(2);  // for a network filesystem to answer
  std::vector<std::string> textfile_directories;     // where *.prom are read, as they are seen from here; or patterns
  std::vector<std::string> ipvs_backend_labels;      // backends that are alike in them are added up
  bool rapl_zone_label = false;
  bool softirqs = false;
  bool bcache_priority_stats = false;
  Regex vmstat_fields;          // keys of /proc/vmstat
  Regex netstat_fields;         // "Tcp_RetransSegs": protocol and name of /proc/net/{netstat,snmp,snmp6}

  bool part_on(std::string_view name) const;
  // Everything above in one text: equal for configurations that mean the same.
  std::string fingerprint() const;
};

void declare(config::Section& section, HostRoots& roots);
void declare(config::Section& section, NameFilter& filter);
void declare(config::Section& section, CpuConfig& cpu);
void declare(config::Section& section, NetclassConfig& netclass);
void declare(config::Section& section, NetdevConfig& netdev);
void declare(config::Section& section, HwmonConfig& hwmon);
void declare(config::Section& section, HostConfig& config);

}  // namespace sidewatch
