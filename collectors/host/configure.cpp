// The `host` key of the configuration: the collectors that are planned from it. What it declares is in keys.cpp.
#include <optional>
#include <string>
#include <utility>

#include "collectors/host/host.h"

namespace sidewatch {
namespace {

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

}  // namespace sidewatch
