// Neighbours that the machine knows per interface, counted from /proc/net/arp: a line each, the interface last.
#include <array>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_arp_entries", MetricType::gauge, "", "Entries of the ARP table, by the interface that they are behind."},
};

constexpr std::size_t kFields = 6;  // address, hardware type, flags, hardware address, mask, device

// The device that a line names; empty when it is not a line of the table.
std::string_view device_of(std::string_view line) {
  std::string_view device;
  std::size_t fields = 0;
  for (auto field = next_field(line); !field.empty(); field = next_field(line), ++fields) device = field;
  return fields == kFields ? device : std::string_view{};
}

class ArpPart final : public Part {
 public:
  ArpPart(HostSources& sources, InterfaceFilter filter)
      : sources_(sources), filter_(std::move(filter)), file_(sources.proc, "net/arp") {}

  void sample(Batch& batch, PartReport& report) override {
    const FileText file = file_.read(sources_.buffer);
    if (!file) return file.status() == FileStatus::gone ? report.absent() : report.fail(file_.error(file));
    for (Device& device : devices_) device.entries = 0;
    std::string_view rest = file.text;
    std::string_view line;
    next_line(rest, line);  // the headings
    while (next_line(rest, line)) {
      const auto name = device_of(line);
      if (name.empty()) {
        report.partial({"line not understood: " + std::string(line), sources_.proc.path() + "/net/arp"});
      } else {
        count(name);
      }
    }
    std::erase_if(devices_, [](const Device& device) { return device.entries == 0; });
    for (const Device& device : devices_) {
      if (device.series) batch.add(device.series, device.entries);
    }
  }

 private:
  struct Device {
    std::string name;
    SeriesHandle series;  // none: the configuration leaves this interface out
    double entries = 0;
  };

  void count(std::string_view name) {
    for (Device& device : devices_) {
      if (device.name == name) {
        ++device.entries;
        return;
      }
    }
    Device device{std::string(name), {}, 1};
    if (filter_.passes(name)) device.series = sources_.catalog.series(kMetrics[0], Labels{{"device", name}});
    devices_.push_back(std::move(device));
  }

  HostSources& sources_;
  InterfaceFilter filter_;
  ProcFile file_;
  std::vector<Device> devices_;
};

}  // namespace

std::unique_ptr<Part> make_arp_part(HostSources& sources, const HostConfig& config) {
  return std::make_unique<ArpPart>(sources, InterfaceFilter{config.interfaces, config.arp});
}

std::span<const Metric> arp_metrics() { return kMetrics; }

}  // namespace sidewatch
