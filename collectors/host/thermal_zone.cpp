// Temperatures and coolers as the kernel's thermal framework knows them: /sys/class/thermal/thermal_zone*/temp in
// thousandths of a degree, cooling_device*/{cur,max}_state.
//
// A sensor that does not answer now (many give EINVAL or EAGAIN while their device sleeps) is left out of the pass.
#include <array>
#include <functional>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_thermal_zone_temp", MetricType::gauge, "", "Temperature of the zone in degrees Celsius."},
    Metric{"node_cooling_device_cur_state", MetricType::gauge, "", "How far the cooling device is turned up."},
    Metric{"node_cooling_device_max_state", MetricType::gauge, "", "How far it can be turned up."},
};

constexpr std::string_view kZone = "thermal_zone";
constexpr std::string_view kCooler = "cooling_device";
constexpr double kThousandths = 1000;

class ThermalZonePart final : public Part {
 public:
  explicit ThermalZonePart(HostSources& sources) : sources_(sources) {}

  void sample(Batch& batch, PartReport& report) override {
    const auto visit = [&](std::string_view name) {
      if (!name.starts_with(kZone) && !name.starts_with(kCooler)) return;
      Device* device = devices_.take(name, [&] { return make_device(name); });
      if (device == nullptr) return;
      if (device->values.empty()) *device = make_device(name);  // it did not say what it is before
      if (device->values.empty()) {
        return report.partial({"it does not say what it is", sources_.sys.path() + "/class/thermal/" + std::string(name)});
      }
      add(*device, batch, report);
    };
    // The callback holds one reference, so that std::function need not allocate.
    const int error = sources_.sys.list("class/thermal", listing_, std::ref(visit));
    devices_.forget_untaken();
    if (error != 0 && file_status(error) != FileStatus::gone) {
      report.fail(sources_.sys.error("class/thermal", error));
    }
  }

 private:
  struct Value {
    ProcFile file;
    double divisor;
    SeriesHandle series;
  };
  struct Device {
    std::vector<Value> values;
  };

  Device make_device(std::string_view name) {
    const bool zone = name.starts_with(kZone);
    const std::string directory = "class/thermal/" + std::string(name) + "/";
    const std::string type(first_line(sources_.sys.read((directory + "type").c_str(), sources_.buffer).text));
    const std::string number(name.substr(zone ? kZone.size() : kCooler.size()));
    const Labels labels{{zone ? "zone" : "name", number}, {"type", type}};
    Device device;
    if (type.empty()) return device;
    const auto add_value = [&](const char* file, double divisor, const Metric& metric) {
      device.values.push_back({ProcFile(sources_.sys, directory + file), divisor, sources_.catalog.series(metric, labels)});
    };
    if (zone) {
      add_value("temp", kThousandths, kMetrics[0]);
    } else {
      add_value("cur_state", 1, kMetrics[1]);
      add_value("max_state", 1, kMetrics[2]);
    }
    return device;
  }

  void add(Device& device, Batch& batch, PartReport& report) {
    for (Value& value : device.values) {
      const FileText file = value.file.read(sources_.buffer);
      if (file.status() == FileStatus::permission) report.partial(value.file.error(file));
      if (!file) continue;
      const auto number = parse_i64(first_line(file.text));
      if (number) {
        batch.add(value.series, static_cast<double>(*number) / value.divisor);
      } else {
        report.partial({"a number is expected", sources_.sys.path() + "/" + value.file.name()});
      }
    }
  }

  HostSources& sources_;
  ReadBuffer listing_;  // apart from the shared one, into which files are read meanwhile
  KeyedSlots<Device> devices_;
};

}  // namespace

std::unique_ptr<Part> make_thermal_zone_part(HostSources& sources, const HostConfig&) {
  return std::make_unique<ThermalZonePart>(sources);
}

std::span<const Metric> thermal_zone_metrics() { return kMetrics; }

}  // namespace sidewatch
