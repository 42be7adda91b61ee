// The host that the service runs on: CPU, memory, load, disks, filesystems, network, under node_exporter's names.
//
// One `host:` key makes three collectors, each on a thread of its own, because a statfs on a dead server hangs for
// ever: "host" reads only what the kernel answers from memory, "host:filesystem" asks local filesystems and
// "host:filesystem:remote" those that a network stands behind. A part that fails costs its own metrics, is counted and
// said in words; the whole fails only when nothing can be read.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "collectors/collector.h"
#include "collectors/host/config.h"
#include "collectors/host/part.h"
#include "collectors/host/parts.h"
#include "collectors/table.h"

namespace sidewatch {

class HostCollector final : public Collector {
 public:
  HostCollector(Catalog& catalog, const HostConfig& config, std::span<const PartKind> parts,
                HostSystem system = HostSystem::real());
  Result<PassOutcome> collect(Batch& batch, Time now) override;

 private:
  struct Running {
    std::string_view name;
    std::unique_ptr<Part> part;
    SeriesHandle duration;
    SeriesHandle success;
    double seconds;    // that its latest reading took
    Time rests_until;  // it was absent and is not looked for before
  };
  PartReport run(Running& running, Batch& batch, Time now);

  HostSources sources_;
  std::vector<Running> parts_;
};

// The `host` line of the table of collectors.
void configure_host(config::Section& collectors, std::vector<CollectorPlan>& plans);
std::vector<MetricGroup> host_metric_groups();

}  // namespace sidewatch
