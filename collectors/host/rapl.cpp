// Energy that the processor's packages, cores and memory used, in the kernel's powercap zones: /sys/class/powercap
// (Linux Documentation/power/powercap). A zone's metric is named after it; one with a number ("package-0") has that as
// its index, others are counted. With `rapl: {zone_label: true}` there is one metric, and the zone is a label of it.
//
// Only root may read the energy (it tells too much about what other programs compute). Who may not has no such thing,
// and no complaint: it is how kernels since 5.10 are meant to be.
#include <array>

#include "collectors/host/device_tree.h"
#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_rapl_*_joules_total", MetricType::counter, "joules",
           "Energy that the zone (package, core, dram, ...) used; falls back to 0 where the hardware's counter ends."},
    Metric{"node_rapl_joules_total", MetricType::counter, "joules",
           "The same as one metric with the label rapl_zone; only with `rapl: {zone_label: true}`."},
};

constexpr std::array<const char*, 1> kLookedAt{"name"};
constexpr double kMicro = 1e6;

enum class ZoneIn { name, label };

void describe_zone(DeviceTree& tree, const std::string& device, ZoneIn zone_in) {
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
  const NumberForm form{.per = kMicro, .denied = NumberForm::Denied::passed_over};
  const std::string number_text = std::to_string(index);
  const std::string path = "/sys/class/powercap/" + device;  // as the host itself sees it
  if (zone_in == ZoneIn::label) {
    tree.number("energy_uj", kMetrics[1], Labels{{"index", number_text}, {"path", path}, {"rapl_zone", zone}}, form);
    return;
  }
  const std::string name = "node_rapl_" + legal_name(zone) + "_joules_total";
  const std::string help = "Energy that " + zone + " used.";
  tree.number("energy_uj", {name, MetricType::counter, "joules", help},
              Labels{{"index", number_text}, {"path", path}}, form);
}

}  // namespace

std::unique_ptr<Part> make_rapl_part(HostSources& sources, const HostConfig& config) {
  const ZoneIn zone_in = config.rapl_zone_label ? ZoneIn::label : ZoneIn::name;
  const auto describe = [zone_in](DeviceTree& tree, const std::string& device) {
    describe_zone(tree, device, zone_in);
  };
  return make_device_part(sources, {"class/powercap", "", kLookedAt, DeviceClass::Missing::absent, describe});
}

std::span<const Metric> rapl_metrics() { return kMetrics; }

}  // namespace sidewatch
