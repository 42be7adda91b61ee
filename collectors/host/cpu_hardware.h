// What is known of a core beside its time: how often heat slowed it, whether it is isolated from the scheduler
// (/sys/devices/system/cpu/cpuN), and on request what kind it is (/proc/cpuinfo).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "collectors/host/device_tree.h"
#include "collectors/host/part.h"

namespace sidewatch {

// Throttles per core and package, and isolated cores, as a tree to be sampled.
DeviceClass cpu_throttle_class();

// node_cpu_info and, for what the filters find, node_cpu_flag_info and node_cpu_bug_info. /proc/cpuinfo is dear on
// machines with many cores and hardly ever changes, so it is read anew only every kPassesBetweenReads.
class CpuInfo {
 public:
  CpuInfo(HostSources& sources, const HostConfig& config);
  void sample(Batch& batch, PartReport& report);

 private:
  void read(PartReport& report);

  HostSources& sources_;
  CpuConfig config_;
  unsigned passes_until_read_ = 0;
  std::uint64_t hash_ = 0;  // of what the labels were made of
  std::vector<SeriesHandle> series_;
};

std::span<const Metric> cpu_hardware_metrics();

}  // namespace sidewatch
