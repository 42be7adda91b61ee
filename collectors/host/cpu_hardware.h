// What is known of a core beside its time: how often heat slowed it, whether it is isolated from the scheduler
// (/sys/devices/system/cpu/cpuN).
#pragma once

#include <span>

#include "collectors/host/device_tree.h"
#include "collectors/host/part.h"

namespace sidewatch {

// Throttles per core and package, and isolated cores, as a tree to be sampled.
DeviceClass cpu_throttle_class();

std::span<const Metric> cpu_hardware_metrics();

}  // namespace sidewatch
