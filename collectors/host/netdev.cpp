// Traffic of network interfaces, from /proc/net/dev (proc(5)) and, for packets that nobody wanted, from
// /sys/class/net/<interface>/statistics/rx_nohandler, which /proc does not have. On request also the interfaces'
// addresses, which are asked for every kPassesBetweenAddresses only: they seldom change.
#include <algorithm>
#include <array>
#include <system_error>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_network_receive_bytes_total", MetricType::counter, "bytes", "Bytes received."},
    Metric{"node_network_receive_packets_total", MetricType::counter, "", "Packets received."},
    Metric{"node_network_receive_errs_total", MetricType::counter, "", "Packets received with an error."},
    Metric{"node_network_receive_drop_total", MetricType::counter, "", "Received packets that were dropped or missed."},
    Metric{"node_network_receive_fifo_total", MetricType::counter, "", "Overruns of the receive queue."},
    Metric{"node_network_receive_frame_total", MetricType::counter, "", "Received frames that were malformed."},
    Metric{"node_network_receive_compressed_total", MetricType::counter, "", "Compressed packets received."},
    Metric{"node_network_receive_multicast_total", MetricType::counter, "", "Multicast packets received."},
    Metric{"node_network_transmit_bytes_total", MetricType::counter, "bytes", "Bytes sent."},
    Metric{"node_network_transmit_packets_total", MetricType::counter, "", "Packets sent."},
    Metric{"node_network_transmit_errs_total", MetricType::counter, "", "Packets that could not be sent."},
    Metric{"node_network_transmit_drop_total", MetricType::counter, "", "Packets dropped before they were sent."},
    Metric{"node_network_transmit_fifo_total", MetricType::counter, "", "Underruns of the send queue."},
    Metric{"node_network_transmit_colls_total", MetricType::counter, "", "Collisions while sending."},
    Metric{"node_network_transmit_carrier_total", MetricType::counter, "", "Carrier and similar errors while sending."},
    Metric{"node_network_transmit_compressed_total", MetricType::counter, "", "Compressed packets sent."},
    Metric{"node_network_receive_nohandler_total", MetricType::counter, "",
           "Received packets that no protocol handler wanted."},
    Metric{"node_network_address_info", MetricType::gauge, "",
           "An address of the interface, its prefix in bits and its scope; always 1. Only with "
           "`netdev: {address_info: true}`."},
};

constexpr std::size_t kNoHandler = 16;
constexpr std::size_t kAddress = 17;
constexpr std::size_t kColumns = kNoHandler;
constexpr unsigned kPassesBetweenAddresses = 10;
constexpr std::size_t kMaxKeptFiles = 64;  // of interfaces beyond, the file is opened at each read

struct InterfaceLine {
  std::string_view device;
  std::array<double, kColumns> values{};
};

// "  eth0: 1 2 ..."; the name may itself hold a colon, and a number may follow the last one at once.
std::optional<InterfaceLine> parse_interface_line(std::string_view line) {
  const auto colon = line.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  InterfaceLine interface;
  interface.device = trim(line.substr(0, colon));
  line.remove_prefix(colon + 1);
  for (double& value : interface.values) {
    const auto number = parse_u64(next_field(line));
    if (!number) return std::nullopt;
    value = static_cast<double>(*number);
  }
  return interface.device.empty() ? std::nullopt : std::optional(interface);
}

struct Interface {
  bool wanted = false;
  std::array<SeriesHandle, kAddress> series;
  std::optional<ProcFile> no_handler;
};

class NetdevPart final : public Part {
 public:
  NetdevPart(HostSources& sources, const HostConfig& config)
      : sources_(sources),
        filter_{config.interfaces, config.netdev.interfaces},
        address_info_(config.netdev.address_info),
        file_(sources.proc, "net/dev") {}

  void sample(Batch& batch, PartReport& report) override {
    const FileText file = file_.read(text_);
    if (!file) return report.fail(file_.error(file));
    std::string_view rest = file.text;
    std::string_view line;
    if (!next_line(rest, line) || !next_line(rest, line)) {  // two lines of headings
      return report.fail({"the file is cut short", sources_.proc.path() + "/net/dev"});
    }
    while (next_line(rest, line)) {
      if (const auto interface = parse_interface_line(line)) {
        add(*interface, batch);
      } else {
        report.partial({"line not understood: " + std::string(line), sources_.proc.path() + "/net/dev"});
      }
    }
    interfaces_.forget_untaken();
    if (address_info_) add_addresses(batch, report);
  }

 private:
  void add(const InterfaceLine& line, Batch& batch) {
    Interface* interface = interfaces_.take(line.device, [&] { return make_interface(line.device); });
    if (interface == nullptr || !interface->wanted) return;
    for (std::size_t i = 0; i < kColumns; ++i) batch.add(interface->series[i], line.values[i]);
    const FileText file = interface->no_handler->read(sources_.buffer);
    const auto packets = parse_u64(first_line(file.text));
    if (file && packets) batch.add(interface->series[kNoHandler], static_cast<double>(*packets));
  }

  Interface make_interface(std::string_view device) {
    Interface interface;
    interface.wanted = filter_.passes(device);
    if (!interface.wanted) return interface;
    const Labels labels{{"device", device}};
    for (std::size_t i = 0; i < kAddress; ++i) interface.series[i] = sources_.catalog.series(kMetrics[i], labels);
    const auto keep = interfaces_.size() < kMaxKeptFiles ? ProcFile::Keep::open : ProcFile::Keep::closed;
    interface.no_handler.emplace(sources_.sys, "class/net/" + std::string(device) + "/statistics/rx_nohandler", keep);
    return interface;
  }

  void add_addresses(Batch& batch, PartReport& report) {
    if (passes_until_addresses_ == 0) look_for_addresses(report);
    --passes_until_addresses_;
    for (const SeriesHandle& address : addresses_) batch.add(address, 1);
  }

  void look_for_addresses(PartReport& report) {
    passes_until_addresses_ = kPassesBetweenAddresses;
    std::vector<InterfaceAddress> list;
    addresses_.clear();
    if (const int error = sources_.system.addresses(list); error != 0) {
      return report.partial({std::generic_category().message(error), "addresses of the interfaces"});
    }
    std::vector<std::string> taken;
    for (const InterfaceAddress& address : list) {
      const std::string bits = std::to_string(address.prefix_bits);
      const std::string key = address.interface + ' ' + address.address + '/' + bits;
      if (!filter_.passes(address.interface) || std::find(taken.begin(), taken.end(), key) != taken.end()) continue;
      taken.push_back(key);
      addresses_.push_back(sources_.catalog.series(kMetrics[kAddress], Labels{{"device", address.interface},
                                                                              {"address", address.address},
                                                                              {"netmask", bits},
                                                                              {"scope", address.scope}}));
    }
  }

  HostSources& sources_;
  InterfaceFilter filter_;
  bool address_info_;
  unsigned passes_until_addresses_ = 0;
  std::vector<SeriesHandle> addresses_;
  ProcFile file_;
  ReadBuffer text_;  // apart from the shared one, into which the files of /sys are read meanwhile
  KeyedSlots<Interface> interfaces_;
};

}  // namespace

std::unique_ptr<Part> make_netdev_part(HostSources& sources, const HostConfig& config) {
  return std::make_unique<NetdevPart>(sources, config);
}

std::span<const Metric> netdev_metrics() { return kMetrics; }

}  // namespace sidewatch
