// Who made this machine, what it is called and which firmware it runs, from /sys/class/dmi/id. Serial numbers are
// root's to read and missing for anybody else.
#include <array>

#include "collectors/host/device_tree.h"
#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_dmi_info", MetricType::gauge, "", "What the firmware says of the machine; always 1."},
};

// Files, which are the labels' names but for the vendor's.
constexpr std::array<std::string_view, 20> kFiles{
    "bios_date",       "bios_release",   "bios_vendor",    "bios_version",   "board_asset_tag",
    "board_name",      "board_serial",   "board_vendor",   "board_version",  "chassis_asset_tag",
    "chassis_serial",  "chassis_vendor", "chassis_version", "product_family", "product_name",
    "product_serial",  "product_sku",    "product_uuid",   "product_version", "sys_vendor"};

void describe_machine(DeviceTree& tree, const std::string& device) {
  if (device != "id") return;
  std::vector<Label> labels;
  for (const std::string_view file : kFiles) {
    const std::string text = tree.text(std::string(file));
    if (!text.empty()) labels.push_back({std::string(file == "sys_vendor" ? "system_vendor" : file), text});
  }
  if (!labels.empty()) tree.constant(kMetrics[0], Labels(std::move(labels)));
}

}  // namespace

std::unique_ptr<Part> make_dmi_part(HostSources& sources, const HostConfig&) {
  return make_device_part(sources, {"class/dmi", "id", {}, DeviceClass::Missing::absent, describe_machine});
}

std::span<const Metric> dmi_metrics() { return kMetrics; }

}  // namespace sidewatch
