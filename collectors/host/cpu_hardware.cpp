// Implementation of cpu_hardware.h.
#include "collectors/host/cpu_hardware.h"

#include <algorithm>
#include <array>

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_cpu_core_throttles_total", MetricType::counter, "", "Times that heat slowed this core down."},
    Metric{"node_cpu_package_throttles_total", MetricType::counter, "", "Times that heat slowed this package down."},
    Metric{"node_cpu_isolated", MetricType::gauge, "", "The core is isolated from the scheduler; always 1."},
};

bool in_cpu_list(std::string_view list, std::uint64_t cpu) {
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    const auto range = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    const auto dash = range.find('-');
    const auto first = parse_u64(range.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_u64(range.substr(dash + 1));
    if (first && last && *first <= cpu && cpu <= *last) return true;
  }
  return false;
}

void describe_core(DeviceTree& tree, const std::string& device) {
  const auto cpu = parse_u64(device.substr(3));
  if (!cpu) return;
  if (in_cpu_list(tree.text("../isolated"), *cpu)) {
    tree.constant(kMetrics[2], Labels{{"cpu", std::to_string(*cpu)}});
  }
  const std::string package = tree.text("topology/physical_package_id");
  const std::string core = tree.text("topology/core_id");
  if (!parse_u64(package) || !parse_u64(core)) return;
  if (tree.has("thermal_throttle/core_throttle_count") && tree.claim(package + ":" + core)) {
    tree.number("thermal_throttle/core_throttle_count", kMetrics[0], Labels{{"package", package}, {"core", core}});
  }
  if (tree.has("thermal_throttle/package_throttle_count") && tree.claim(package)) {
    tree.number("thermal_throttle/package_throttle_count", kMetrics[1], Labels{{"package", package}});
  }
}

}  // namespace

DeviceClass cpu_throttle_class() {
  return {"devices/system/cpu", "cpu", {}, DeviceClass::Missing::nothing, describe_core};
}

std::span<const Metric> cpu_hardware_metrics() { return kMetrics; }

}  // namespace sidewatch
