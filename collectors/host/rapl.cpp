// Energy that the processor's packages, cores and memory used, in the kernel's powercap zones: /sys/class/powercap
// (Linux Documentation/power/powercap). A zone's metric is named after it; one with a number ("package-0") has that as
// its index, others are counted. Only root may read the energy; who may not has no such thing.
#include <array>

#include "collectors/host/device_tree.h"
#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_rapl_*_joules_total", MetricType::counter, "joules",
           "Energy that the zone (package, core, dram, ...) used; falls back to 0 where the hardware's counter ends."},
};

constexpr std::array<const char*, 1> kLookedAt{"name"};
constexpr double kMicro = 1e6;

void describe_zone(DeviceTree& tree, const std::string& device) {
  std::string zone = tree.text("name");
  if (zone.empty()) return;  // the kind of control, above its zones
  std::uint64_t index = 0;
  const auto dash = zone.find('-');
  const auto number = dash == std::string::npos ? std::nullopt : parse_u64(zone.substr(dash + 1));
  if (number) {
    index = *number;
    zone.resize(dash);
    tree.claim(zone + "-" + std::to_string(index));
  } else {
    while (!tree.claim(zone + "-" + std::to_string(index))) ++index;
  }
  const std::string name = "node_rapl_" + legal_name(zone) + "_joules_total";
  const std::string help = "Energy that " + zone + " used.";
  // The path as the host itself sees it.
  const Labels labels{{"index", std::to_string(index)}, {"path", "/sys/class/powercap/" + device}};
  tree.number("energy_uj", {name, MetricType::counter, "joules", help}, labels,
              {.per = kMicro, .denied = NumberForm::Denied::passed_over});
}

}  // namespace

std::unique_ptr<Part> make_rapl_part(HostSources& sources, const HostConfig&) {
  return make_device_part(sources, {"class/powercap", "", kLookedAt, DeviceClass::Missing::absent, describe_zone});
}

std::span<const Metric> rapl_metrics() { return kMetrics; }

}  // namespace sidewatch
