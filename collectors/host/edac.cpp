// Memory errors that the memory controllers count, corrected or not: /sys/devices/system/edac/mc/mcN (Linux
// Documentation/admin-guide/RAS). Errors that no row of chips could be blamed for have csrow="unknown".
#include <array>

#include "collectors/host/device_tree.h"
#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_edac_correctable_errors_total", MetricType::counter, "", "Memory errors that were corrected."},
    Metric{"node_edac_uncorrectable_errors_total", MetricType::counter, "",
           "Memory errors that could not be corrected."},
    Metric{"node_edac_csrow_correctable_errors_total", MetricType::counter, "",
           "Memory errors of this row of chips that were corrected."},
    Metric{"node_edac_csrow_uncorrectable_errors_total", MetricType::counter, "",
           "Memory errors of this row of chips that could not be corrected."},
};

constexpr std::array<const char*, 1> kLookedAt{""};

void describe_controller(DeviceTree& tree, const std::string& device) {
  const std::string controller = device.substr(2);
  if (!parse_u64(controller)) return;
  const auto row = [&](std::string_view csrow) { return Labels{{"controller", controller}, {"csrow", csrow}}; };
  tree.number("ce_count", kMetrics[0], Labels{{"controller", controller}});
  tree.number("ue_count", kMetrics[1], Labels{{"controller", controller}});
  tree.number("ce_noinfo_count", kMetrics[2], row("unknown"));
  tree.number("ue_noinfo_count", kMetrics[3], row("unknown"));
  for (const std::string& name : tree.list("")) {
    if (!name.starts_with("csrow")) continue;
    tree.number(name + "/ce_count", kMetrics[2], row(name.substr(5)));
    tree.number(name + "/ue_count", kMetrics[3], row(name.substr(5)));
  }
}

}  // namespace

std::unique_ptr<Part> make_edac_part(HostSources& sources, const HostConfig&) {
  return make_device_part(
      sources, {"devices/system/edac/mc", "mc", kLookedAt, DeviceClass::Missing::nothing, describe_controller});
}

std::span<const Metric> edac_metrics() { return kMetrics; }

}  // namespace sidewatch
