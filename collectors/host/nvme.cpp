// What the NVMe controllers are and in which state, from /sys/class/nvme.
#include <array>

#include "collectors/host/device_tree.h"
#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_nvme_info", MetricType::gauge, "", "What the NVMe controller is and its state; always 1."},
};

constexpr std::array<const char*, 4> kLookedAt{"firmware_rev", "model", "serial", "state"};

void describe_controller(DeviceTree& tree, const std::string& device) {
  tree.constant(kMetrics[0], Labels{{"device", device},
                                    {"firmware_revision", tree.text("firmware_rev")},
                                    {"model", tree.text("model")},
                                    {"serial", tree.text("serial")},
                                    {"state", tree.text("state")}});
}

}  // namespace

std::unique_ptr<Part> make_nvme_part(HostSources& sources, const HostConfig&) {
  return make_device_part(sources, {"class/nvme", "nvme", kLookedAt, DeviceClass::Missing::absent, describe_controller});
}

std::span<const Metric> nvme_metrics() { return kMetrics; }

}  // namespace sidewatch
