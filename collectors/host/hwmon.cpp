// Temperatures, fans, voltages, currents, power and energy as the sensor chips tell them: /sys/class/hwmon/hwmonN
// (Linux Documentation/hwmon/sysfs-interface.rst).
//
// A file is <type><number>_<element>: temp1_input, fan2_min, in0_alarm. Its metric is named after type, element and
// unit, as in node_exporter: node_hwmon_temp_celsius (the input itself), node_hwmon_temp_max_celsius. A chip is called
// after the device that it sits on, because hwmonN depends on the order in which drivers were loaded. Limits and
// settings are read seldom: some chips stand behind a slow bus.
#include <algorithm>
#include <array>
#include <map>

#include "collectors/host/device_tree.h"
#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_hwmon_chip_names", MetricType::gauge, "", "What the chip calls itself; always 1."},
    Metric{"node_hwmon_sensor_label", MetricType::gauge, "", "What the chip calls the sensor; always 1."},
    Metric{"node_hwmon_*", MetricType::gauge, "",
           "A sensor's value, limit or alarm, by its type (temp, fan, in, curr, power, energy, humidity, pwm, "
           "intrusion), element and unit; energy counts up."},
};

constexpr std::array<const char*, 3> kLookedAt{"", "device/", "name"};
constexpr std::array<std::string_view, 13> kTypes{"vrm",  "beep_enable", "update_interval", "in",     "cpu",
                                                  "fan",  "pwm",         "temp",            "curr",   "power",
                                                  "energy", "humidity",  "intrusion"};

struct SensorFile {
  std::string type;
  std::string sensor;   // type and number; 0 when the file has none
  std::string element;  // "" for pwm1
};

// "temp1_crit_alarm" as temp, temp1, crit_alarm. Nothing when it is no sensor's file.
std::optional<SensorFile> parse_file_name(std::string_view name) {
  const auto digits = std::min(name.find_first_of("0123456789"), name.size());
  const auto after = std::min(name.find_first_not_of("0123456789", digits), name.size());
  SensorFile file;
  file.type = name.substr(0, digits);
  if (std::find(kTypes.begin(), kTypes.end(), file.type) == kTypes.end()) return std::nullopt;
  const auto number = name.substr(digits, after - digits);
  file.sensor = file.type + (number.empty() ? "0" : std::to_string(parse_u64(number).value_or(0)));
  if (after == name.size()) return file;
  if (name[after] != '_' || after + 1 == name.size()) return std::nullopt;
  file.element = name.substr(after + 1);
  return file;
}

// In lower case, with '_' for what a name may not have, but not at its ends.
std::string clean_name(std::string_view text) {
  std::string name;
  for (char c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool legal = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ':' || c == '_';
    name += legal ? c : '_';
  }
  const auto start = name.find_first_not_of('_');
  if (start == std::string::npos) return {};
  return name.substr(start, name.find_last_not_of('_') - start + 1);
}

// "/sys/devices/platform/coretemp.0" as platform_coretemp_0, else the chip's own name, else hwmonN.
std::string chip_of(DeviceTree& tree, const std::string& device) {
  const std::string path = tree.resolved("device");
  const auto slash = path.rfind('/');
  if (slash != std::string::npos && slash > 0) {
    const auto parent = path.rfind('/', slash - 1);
    const std::string name = clean_name(std::string_view(path).substr(slash + 1));
    const std::string bus = clean_name(std::string_view(path).substr(parent + 1, slash - parent - 1));
    if (!name.empty()) return bus.empty() ? name : bus + "_" + name;
  }
  const std::string own = clean_name(tree.text("name"));
  return own.empty() ? clean_name(device) : own;
}

struct Unit {
  std::string_view suffix;
  double per = 1;
  MetricType type = MetricType::gauge;
};

Unit unit_of(std::string_view type, std::string_view element) {
  if (element == "fault" || element == "alarm") return {""};
  if (element == "beep") return {"_enabled"};
  if (type == "in" || type == "cpu") return {"_volts", 1e3};
  if (type == "temp" && element != "type") return {"_celsius", 1e3};
  if (type == "curr") return {"_amps", 1e3};
  if (type == "energy") return {"_joule_total", 1e6, MetricType::counter};
  if (type == "power" && element == "accuracy") return {"", 1e6};
  if (type == "power" && element.starts_with("average_interval")) return {"_seconds", 1e3};
  if (type == "power") return {"_watt", 1e6};
  if (type == "humidity") return {"", 1e6};
  if (type == "fan" && (element == "input" || element == "min" || element == "max" || element == "target")) return {"_rpm"};
  return {""};
}

bool moves(std::string_view element) {
  return element.empty() || element == "input" || element == "average" || element.ends_with("alarm") ||
         element == "fault";
}

using Elements = std::map<std::string, std::string>;  // where each element stands

struct Sensor {
  std::string type;
  Elements elements;
};

void add_number(DeviceTree& tree, const Labels& labels, const std::string& file, const Metric& metric,
                NumberForm form) {
  form.denied = NumberForm::Denied::passed_over;
  tree.number(file, metric, labels, form);
}

// What a chip has one of: no element, and a name of its own.
bool add_single(DeviceTree& tree, const Labels& labels, const Sensor& sensor) {
  const auto file = sensor.elements.find("");
  const auto add = [&](std::string_view name, std::string_view help, double per) {
    if (file != sensor.elements.end()) {
      add_number(tree, labels, file->second, {name, MetricType::gauge, "", help},
                 {.per = per, .pace = NumberForm::Pace::seldom});
    }
    return true;
  };
  if (sensor.type == "beep_enable") return add("node_hwmon_beep_enabled", "Whether the chip may beep.", 1);
  if (sensor.type == "vrm") return add("node_hwmon_voltage_regulator_version", "Version of the voltage regulator.", 1);
  if (sensor.type != "update_interval") return false;
  return add("node_hwmon_update_interval_seconds", "How often the chip measures.", 1000);
}

void add_sensor(DeviceTree& tree, const Labels& labels, const Sensor& sensor) {
  if (add_single(tree, labels, sensor)) return;
  for (const auto& [element, file] : sensor.elements) {
    if (element == "label") continue;
    std::string name = "node_hwmon_" + sensor.type;
    if (element == "input") {
      if (sensor.elements.contains("")) name += "_input";
    } else if (!element.empty()) {
      name += "_" + clean_name(element);
    }
    const Unit unit = unit_of(sensor.type, element);
    name += unit.suffix;
    const std::string help = "The sensor's " + sensor.type + (element.empty() ? "" : " " + element) + ".";
    add_number(tree, labels, file, {name, unit.type, "", help},
               {.per = unit.per, .pace = moves(element) ? NumberForm::Pace::every_pass : NumberForm::Pace::seldom});
  }
}

void describe_chip(DeviceTree& tree, const std::string& device, const HwmonConfig& config) {
  const std::string chip = chip_of(tree, device);
  if (!config.chips.passes(chip)) return;
  std::map<std::string, Sensor> sensors;
  for (const std::string directory : {"", "device/"}) {  // old drivers keep their sensors with the device
    for (const std::string& name : tree.list(directory)) {
      const auto file = parse_file_name(name);
      if (!file) continue;
      sensors[file->sensor].type = file->type;
      sensors[file->sensor].elements[file->element] = directory + name;
    }
  }
  const std::string own = clean_name(tree.text("name"));
  if (!own.empty()) tree.constant(kMetrics[0], Labels{{"chip", chip}, {"chip_name", own}});
  for (const auto& [name, sensor] : sensors) {
    if (!config.sensors.passes(chip + ";" + name)) continue;
    if (const auto file = sensor.elements.find("label"); file != sensor.elements.end()) {
      const std::string label = tree.line(file->second);  // with its blanks, as dashboards know it: "Left side  "
      if (!label.empty()) tree.constant(kMetrics[1], Labels{{"chip", chip}, {"sensor", name}, {"label", label}});
    }
    add_sensor(tree, Labels{{"chip", chip}, {"sensor", name}}, sensor);
  }
}

}  // namespace

std::unique_ptr<Part> make_hwmon_part(HostSources& sources, const HostConfig& config) {
  const auto describe = [config = config.hwmon](DeviceTree& tree, const std::string& device) {
    describe_chip(tree, device, config);
  };
  return make_device_part(sources, {"class/hwmon", "hwmon", kLookedAt, DeviceClass::Missing::absent, describe});
}

std::span<const Metric> hwmon_metrics() { return kMetrics; }

}  // namespace sidewatch
