// What the `container` key of the configuration says: targets, each with a name and how its cgroup is found.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "collectors/collector.h"
#include "collectors/container/cgroup_text.h"
#include "collectors/process/config.h"
#include "collectors/table.h"
#include "config/section.h"

namespace sidewatch {
namespace container {

// Where cgroups and processes are seen from here.
struct Roots {
  std::string procfs = "/proc";
  std::string sysfs = "/sys";
  std::string cgroupfs;  // empty: where procfs says that cgroups are mounted
};

// Limits that are known from elsewhere, as Kubernetes' resourceFieldRef tells them.
struct KnownLimits {
  Limit memory;  // bytes
  Limit cpu;     // cores
};

// A target is found in one of three ways, or (with limits alone) not looked for.
struct TargetConfig {
  config::Located<std::string> name;
  bool own = false;                     // the cgroup that the agent is in
  std::string cgroup;                   // the one with this path
  std::optional<ProcessMatch> process;  // the one that this process is in
  KnownLimits limits;
  bool network = false;                 // the interfaces of its process too
  std::map<std::string, std::string> labels;
};

struct ContainerConfig {
  std::optional<Duration> interval;
  Roots roots;
  std::vector<TargetConfig> targets;
};

void declare(config::Section& section, Roots& roots);
void declare(config::Section& section, KnownLimits& limits);
void declare(config::Section& section, TargetConfig& target);
void declare(config::Section& section, ContainerConfig& config);

// "536870912", "512Mi", "512MiB", "1.5G" in bytes; "2", "0.5", "500m" in cores. Nothing when it is neither.
std::optional<double> parse_memory_quantity(std::string_view text);
std::optional<double> parse_cpu_quantity(std::string_view text);

}  // namespace container

// Declares `container` and plans one collector for all targets.
void configure_container(config::Section& collectors, std::vector<CollectorPlan>& plans);
std::vector<MetricGroup> container_metric_groups();

}  // namespace sidewatch
