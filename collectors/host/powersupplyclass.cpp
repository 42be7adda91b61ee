// Batteries and mains adapters, from /sys/class/power_supply (Linux Documentation/ABI/testing/sysfs-class-power).
//
// The kernel counts in millionths of a volt, ampere, watt or watt-hour and in tenths of a degree; a file is a metric.
// What the supply says in words is in the labels of node_power_supply_info.
#include <array>

#include "collectors/host/device_tree.h"
#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_power_supply_info", MetricType::gauge, "", "What the supply is and how it does; always 1."},
    Metric{"node_power_supply_*", MetricType::gauge, "",
           "A number of the supply, named after its file: online, capacity (percent), voltage_volt, current_ampere, "
           "power_watt, energy_watthour, charge_ampere, temp_celsius, ..."},
};

struct SupplyNumber {
  const char* file;
  std::string_view name;  // of the metric, where the file's name will not do
  double per = 1;
};

constexpr double kMicro = 1e6;
constexpr double kTenths = 10;
constexpr std::array kNumbers{
    SupplyNumber{"authentic", ""},
    SupplyNumber{"calibrate", ""},
    SupplyNumber{"capacity", ""},
    SupplyNumber{"capacity_alert_max", ""},
    SupplyNumber{"capacity_alert_min", ""},
    SupplyNumber{"cycle_count", "cyclecount"},
    SupplyNumber{"online", ""},
    SupplyNumber{"present", ""},
    SupplyNumber{"time_to_empty_now", "time_to_empty_seconds"},
    SupplyNumber{"time_to_full_now", "time_to_full_seconds"},
    SupplyNumber{"current_boot", "", kMicro},
    SupplyNumber{"current_max", "", kMicro},
    SupplyNumber{"current_now", "current_ampere", kMicro},
    SupplyNumber{"energy_empty", "", kMicro},
    SupplyNumber{"energy_empty_design", "", kMicro},
    SupplyNumber{"energy_full", "", kMicro},
    SupplyNumber{"energy_full_design", "", kMicro},
    SupplyNumber{"energy_now", "energy_watthour", kMicro},
    SupplyNumber{"voltage_boot", "", kMicro},
    SupplyNumber{"voltage_max", "", kMicro},
    SupplyNumber{"voltage_max_design", "", kMicro},
    SupplyNumber{"voltage_min", "", kMicro},
    SupplyNumber{"voltage_min_design", "", kMicro},
    SupplyNumber{"voltage_now", "voltage_volt", kMicro},
    SupplyNumber{"voltage_ocv", "", kMicro},
    SupplyNumber{"charge_control_limit", "", kMicro},
    SupplyNumber{"charge_control_limit_max", "", kMicro},
    SupplyNumber{"charge_counter", "", kMicro},
    SupplyNumber{"charge_empty", "", kMicro},
    SupplyNumber{"charge_empty_design", "", kMicro},
    SupplyNumber{"charge_full", "", kMicro},
    SupplyNumber{"charge_full_design", "", kMicro},
    SupplyNumber{"charge_now", "charge_ampere", kMicro},
    SupplyNumber{"charge_term_current", "", kMicro},
    SupplyNumber{"constant_charge_current", "", kMicro},
    SupplyNumber{"constant_charge_current_max", "", kMicro},
    SupplyNumber{"constant_charge_voltage", "", kMicro},
    SupplyNumber{"constant_charge_voltage_max", "", kMicro},
    SupplyNumber{"precharge_current", "", kMicro},
    SupplyNumber{"input_current_limit", "", kMicro},
    SupplyNumber{"power_now", "power_watt", kMicro},
    SupplyNumber{"temp", "temp_celsius", kTenths},
    SupplyNumber{"temp_alert_max", "temp_alert_max_celsius", kTenths},
    SupplyNumber{"temp_alert_min", "temp_alert_min_celsius", kTenths},
    SupplyNumber{"temp_ambient", "temp_ambient_celsius", kTenths},
    SupplyNumber{"temp_ambient_max", "temp_ambient_max_celsius", kTenths},
    SupplyNumber{"temp_ambient_min", "temp_ambient_min_celsius", kTenths},
    SupplyNumber{"temp_max", "temp_max_celsius", kTenths},
    SupplyNumber{"temp_min", "temp_min_celsius", kTenths},
};

constexpr std::array<const char*, 11> kTexts{"capacity_level", "charge_type",   "health", "manufacturer",
                                             "model_name",     "serial_number", "status", "technology",
                                             "type",           "usb_type",      "scope"};

void describe_supply(DeviceTree& tree, const std::string& device) {
  std::vector<Label> info{{"power_supply", device}};
  for (const char* file : kTexts) {
    if (const std::string text = tree.text(file); !text.empty()) info.push_back({file, text});
  }
  tree.constant(kMetrics[0], Labels(std::move(info)));
  for (const SupplyNumber& number : kNumbers) {
    const std::string name =
        "node_power_supply_" + std::string(number.name.empty() ? std::string_view(number.file) : number.name);
    const std::string help = "The supply's " + std::string(number.file) + ".";
    tree.number(number.file, {name, MetricType::gauge, "", help}, Labels{{"power_supply", device}},
                {.per = number.per});
  }
}

}  // namespace

std::unique_ptr<Part> make_powersupplyclass_part(HostSources& sources, const HostConfig& config) {
  const auto describe = [filter = config.power_supplies](DeviceTree& tree, const std::string& device) {
    if (filter.passes(device)) describe_supply(tree, device);
  };
  return make_device_part(sources, {"class/power_supply", "", kTexts, DeviceClass::Missing::absent, describe});
}

std::span<const Metric> powersupplyclass_metrics() { return kMetrics; }

}  // namespace sidewatch
