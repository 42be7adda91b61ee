// Declares the targets and refuses those that could not be found or told apart.
#include "collectors/container/config.h"

#include <array>
#include <cmath>
#include <set>
#include <utility>

#include "collectors/container/container.h"
#include "collectors/container/metrics.h"
#include "collectors/proc_file.h"
#include "metrics/text.h"

namespace sidewatch {
namespace container {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_targets = 16;  // each holds directories open
constexpr std::string_view own_name = "self";  // of the only target of `container: {}`

struct Suffix {
  std::string_view text;
  double factor;
};
constexpr double kKi = 1024;
constexpr std::array kSuffixes{
    Suffix{"KiB", kKi}, Suffix{"MiB", kKi * kKi}, Suffix{"GiB", kKi * kKi * kKi}, Suffix{"TiB", kKi * kKi * kKi * kKi},
    Suffix{"Ki", kKi},  Suffix{"Mi", kKi * kKi},  Suffix{"Gi", kKi * kKi * kKi},  Suffix{"Ti", kKi * kKi * kKi * kKi},
    Suffix{"k", 1e3},   Suffix{"M", 1e6},         Suffix{"G", 1e9},               Suffix{"T", 1e12},
    Suffix{"B", 1},     Suffix{"", 1}};

std::optional<double> positive(std::string_view digits, double factor) {
  const auto value = parse_double(digits);
  if (!value || *value <= 0) return std::nullopt;
  return *value * factor;
}

// A text that may come out of a variable that is not set: empty, or a unit without its number, is no limit known.
void declare_quantity(config::Section& section, std::string_view key, Limit& out,
                      std::optional<double> (*parse)(std::string_view), std::string_view help, const char* advice) {
  std::string text;
  section.optional(key, text, help);
  if (section.describing() || text.empty() || text == "m") return;
  const auto value = parse(text);
  if (value) {
    out = limited_to(*value);
  } else {
    section.problem(key, "'" + text + "' is not " + advice);
  }
}

void require_absolute(config::Section& section, std::string_view key, const std::string& path) {
  if (section.describing() || path.empty() || path.starts_with('/')) return;
  section.problem(key, "'" + path + "' is not an absolute path (it must start with '/')");
}

void check_labels(config::Section& section, const TargetConfig& target) {
  for (const auto& [name, value] : target.labels) {
    if (!is_legal_label_name(name)) section.problem("labels", "'" + name + "' is not the name of a label");
    if (name == "name" || name == "id") section.problem("labels", "the label '" + name + "' is set by the agent");
  }
}

void check_way(config::Section& section, const TargetConfig& target) {
  const int ways = (target.own ? 1 : 0) + (section.has("cgroup") ? 1 : 0) + (section.has("process") ? 1 : 0);
  if (ways > 1) section.problem(section.mark(), "give only one of self, cgroup and process");
  if (target.network && !target.own && !section.has("process")) {
    section.problem("network", "whose network it is can be told only with process or self: true");
  }
  if (ways == 0 && !section.has("limits")) {
    section.problem(section.mark(), "does not say which container is meant: give process, cgroup, self: true, or "
                                    "(where it cannot be seen) its limits");
  }
}

void check_targets(config::Section& section, const std::vector<TargetConfig>& targets) {
  std::set<std::string> names;
  for (const auto& target : targets) {
    const auto& [name, mark] = std::pair(target.name.value, target.name.mark);
    if (mark.line == 0) continue;  // there is none, and that is said already
    if (name.empty()) section.problem(mark, "a target needs a name");
    if (!name.empty() && !names.insert(name).second) {
      section.problem(mark, "there is already a target named '" + name + "'");
    }
  }
  if (targets.size() > max_targets) {
    section.problem("targets", "more than " + std::to_string(max_targets) + " targets");
  }
}

std::string way_of(const TargetConfig& target) {
  if (target.own) return "the agent's own cgroup";
  if (target.process) return "process: " + conditions(*target.process);
  if (!target.cgroup.empty()) return "cgroup " + target.cgroup;
  return "its limits only";
}

std::string fingerprint_of(const ContainerConfig& config) {
  std::string text = config.roots.procfs + '\n' + config.roots.sysfs + '\n' + config.roots.cgroupfs;
  for (const auto& target : config.targets) {
    text += '\n' + target.name.value + '\t' + way_of(target);
    for (const auto& limit : {target.limits.memory, target.limits.cpu}) {
      text += '\t' + (limit.state == LimitState::limited ? std::to_string(limit.value) : "-");
    }
    text += target.network ? "\tnetwork" : "";
    for (const auto& [name, value] : target.labels) text += '\t' + name + '=' + value;
  }
  return text;
}

}  // namespace

std::optional<double> parse_memory_quantity(std::string_view text) {
  for (const auto& suffix : kSuffixes) {
    if (text.ends_with(suffix.text)) return positive(text.substr(0, text.size() - suffix.text.size()), suffix.factor);
  }
  return std::nullopt;
}

std::optional<double> parse_cpu_quantity(std::string_view text) {
  if (text.ends_with('m')) return positive(text.substr(0, text.size() - 1), 1e-3);
  return positive(text, 1);
}

void declare(config::Section& section, Roots& roots) {
  section.optional("procfs", roots.procfs, "where the processes are seen from here");
  section.optional("sysfs", roots.sysfs, "where /sys is seen from here; it has the names of disks");
  section.optional("cgroupfs", roots.cgroupfs,
                   "where the host's /sys/fs/cgroup is seen from here, such as /host/sys/fs/cgroup; when absent, where "
                   "cgroups are mounted for the agent itself");
  require_absolute(section, "procfs", roots.procfs);
  require_absolute(section, "sysfs", roots.sysfs);
  require_absolute(section, "cgroupfs", roots.cgroupfs);
}

void declare(config::Section& section, KnownLimits& limits) {
  declare_quantity(section, "memory", limits.memory, parse_memory_quantity,
                   "its memory limit: bytes, or with a suffix as in 512Mi; empty is unknown",
                   "an amount of memory, write for example 536870912 or 512Mi");
  declare_quantity(section, "cpu", limits.cpu, parse_cpu_quantity,
                   "its CPU limit in cores, such as 0.5 or 500m; empty is unknown",
                   "a number of cores, write for example 2, 0.5 or 500m");
}

void declare(config::Section& section, TargetConfig& target) {
  section.required("name", target.name,
                   "what you call it: the value of the labels name and container of its series, such as checkout");
  section.section("process", target.process,
                  "the container in which this process runs; found again when it is restarted");
  section.optional("cgroup", target.cgroup,
                   "the cgroup with this path, such as /system.slice/checkout.service; a * stands for any part of a "
                   "name, and of several the newest is taken");
  section.optional("self", target.own, "the cgroup that the agent itself is in");
  section.section("limits", target.limits,
                  "limits that you know from elsewhere, such as Kubernetes' downward API; where the cgroup can be "
                  "read, the smaller one counts");
  section.optional("network", target.network,
                   "with process or self: whether the interfaces of its network are told of too; leave it off where it "
                   "shares the host's network");
  section.optional("labels", target.labels,
                   "more labels of its container_* series, such as {namespace: shop, image: checkout:1.2}");
  if (section.describing()) return;
  require_absolute(section, "cgroup", target.cgroup);
  check_way(section, target);
  check_labels(section, target);
}

void declare(config::Section& section, ContainerConfig& config) {
  section.optional("interval", config.interval, "how often the targets are sampled; agent.interval when absent",
                   config::between(100ms, 1h));
  section.section("roots", config.roots, "where the host's directories are mounted, in a container");
  section.list("targets", config.targets, "the containers to watch; without any, the one that the agent itself is in");
  if (section.describing()) return;
  check_targets(section, config.targets);
  if (section.has("targets") || !config.targets.empty()) return;
  TargetConfig own;
  own.name.value = own_name;
  own.own = true;
  config.targets.push_back(std::move(own));
}

}  // namespace container

void configure_container(config::Section& collectors, std::vector<CollectorPlan>& plans) {
  std::optional<container::ContainerConfig> config;
  collectors.section("container", config,
                     "containers by their cgroups (v1 and v2), under cAdvisor's metric names: memory, CPU, throttling, "
                     "I/O, pressure, and how near they are to their limits");
  if (!config || config->targets.empty()) return;
  CollectorPlan plan;
  plan.name = "container";
  plan.interval = config->interval;
  for (const auto& target : config->targets) {
    plan.watches += plan.watches.empty() ? "containers: " : "; ";
    plan.watches += target.name.value + " (" + container::way_of(target) + ")";
  }
  plan.fingerprint = container::fingerprint_of(*config);
  plan.make = [config = std::move(*config)](const CollectorContext& context) {
    return container::make_container_collector(config, {}, context.catalog);
  };
  plans.push_back(std::move(plan));
}

std::vector<MetricGroup> container_metric_groups() { return container::metric_groups(); }

}  // namespace sidewatch
