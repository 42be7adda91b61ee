// State and properties of network interfaces, from /sys/class/net (Linux Documentation/ABI/testing/sysfs-class-net).
//
// An attribute that a driver does not support answers EINVAL; then there is no sample, as in node_exporter. To read
// all attributes is dear (some ask the driver under a global lock), so every pass reads only the three that tell of the
// others: a carrier that comes or goes is counted in carrier_changes, an interface that is set up or down has other
// flags, one that becomes dormant another operational state. When one of them has changed, and otherwise every
// kSlowPasses, everything is read.
#include <algorithm>
#include <array>
#include <functional>
#include <limits>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_network_carrier", MetricType::gauge, "", "Whether the interface has a link: 1 or 0."},
    Metric{"node_network_carrier_changes_total", MetricType::counter, "", "Times that the link came or went."},
    Metric{"node_network_carrier_up_changes_total", MetricType::counter, "", "Times that the link came."},
    Metric{"node_network_carrier_down_changes_total", MetricType::counter, "", "Times that the link went."},
    Metric{"node_network_dormant", MetricType::gauge, "", "Whether the interface waits for an event to be usable."},
    Metric{"node_network_flags", MetricType::gauge, "", "The interface's IFF_ flags as one number."},
    Metric{"node_network_address_assign_type", MetricType::gauge, "", "How the address was assigned (NET_ADDR_)."},
    Metric{"node_network_device_id", MetricType::gauge, "", "Tells apart interfaces that share one address."},
    Metric{"node_network_iface_id", MetricType::gauge, "", "The interface's index."},
    Metric{"node_network_iface_link", MetricType::gauge, "", "The index of the interface that this one stands on."},
    Metric{"node_network_iface_link_mode", MetricType::gauge, "", "The link mode."},
    Metric{"node_network_mtu_bytes", MetricType::gauge, "bytes", "The longest packet that the interface sends."},
    Metric{"node_network_name_assign_type", MetricType::gauge, "", "How the name was assigned (NET_NAME_)."},
    Metric{"node_network_net_dev_group", MetricType::gauge, "", "The group that the interface was put in."},
    Metric{"node_network_protocol_type", MetricType::gauge, "", "The kind of link (ARPHRD_)."},
    Metric{"node_network_speed_bytes", MetricType::gauge, "bytes", "The link's speed in bytes per second."},
    Metric{"node_network_transmit_queue_length", MetricType::gauge, "", "Packets that the send queue may hold."},
    Metric{"node_network_up", MetricType::gauge, "", "Whether the operational state is 'up': 1 or 0."},
    Metric{"node_network_info", MetricType::gauge, "", "What the interface is and how it stands; always 1."},
};

// The file of each number, in the order of the metrics above.
constexpr std::array<const char*, 17> kNumberFiles{
    "carrier",   "carrier_changes", "carrier_up_count", "carrier_down_count", "dormant", "flags",
    "addr_assign_type", "dev_id",   "ifindex",          "iflink",             "link_mode", "mtu",
    "name_assign_type", "netdev_group", "type",         "speed",              "tx_queue_len"};
constexpr std::array<std::size_t, 2> kTelltales{1, 5};  // carrier_changes and flags; the third is operstate
constexpr std::size_t kSpeed = 15;
constexpr std::size_t kUp = 17;
constexpr std::size_t kInfo = 18;
constexpr double kBytesPerMegabit = 125'000;

constexpr std::array<const char*, 4> kTextFiles{"address", "broadcast", "duplex", "ifalias"};

constexpr unsigned kSlowPasses = 60;
constexpr std::size_t kMaxKeptInterfaces = 8;  // three files each; of interfaces beyond, they are opened at each read

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// "1500\n", "-1\n" or "0x1003\n".
double parse_attribute(std::string_view text) {
  text = first_line(text);
  if (text.starts_with("0x")) {
    const auto value = parse_hex(text);
    return value ? static_cast<double>(*value) : kNone;
  }
  const auto value = parse_i64(text);
  return value ? static_cast<double>(*value) : kNone;
}

bool differs(double a, double b) { return a != b && (a == a || b == b); }  // kNone is kNone

struct Interface {
  bool wanted = false;
  std::string name;
  std::vector<ProcFile> telltale_files;
  std::optional<ProcFile> operstate_file;
  std::array<SeriesHandle, kUp + 1> series;
  SeriesHandle info;
  std::array<double, kNumberFiles.size()> numbers{};
  std::array<std::string, kTextFiles.size()> texts;
  std::string operstate;
  unsigned passes_until_slow = 0;
};

class NetclassPart final : public Part {
 public:
  NetclassPart(HostSources& sources, const HostConfig& config)
      : sources_(sources),
        filter_{config.interfaces, config.netclass.interfaces},
        ignore_invalid_speed_(config.netclass.ignore_invalid_speed) {}

  void sample(Batch& batch, PartReport& report) override {
    const auto visit = [&](std::string_view name) {
      Interface* interface = interfaces_.take(name, [&] { return make_interface(name); });
      if (interface != nullptr && interface->wanted) add(*interface, batch);
    };
    // The callback holds one reference, so that std::function need not allocate.
    const int error = sources_.sys.list("class/net", listing_, std::ref(visit));
    interfaces_.forget_untaken();
    if (error != 0) report.fail(sources_.sys.error("class/net", error));
  }

 private:
  Interface make_interface(std::string_view name) {
    Interface interface;
    interface.name = name;
    interface.wanted = filter_.passes(name);
    if (!interface.wanted) return interface;
    const std::string directory = "class/net/" + interface.name + "/";
    const auto keep = interfaces_.size() < kMaxKeptInterfaces ? ProcFile::Keep::open : ProcFile::Keep::closed;
    for (const std::size_t i : kTelltales) {
      interface.telltale_files.emplace_back(sources_.sys, directory + kNumberFiles[i], keep);
    }
    interface.operstate_file.emplace(sources_.sys, directory + "operstate", keep);
    const Labels labels{{"device", name}};
    for (std::size_t i = 0; i < interface.series.size(); ++i) {
      interface.series[i] = sources_.catalog.series(kMetrics[i], labels);
    }
    return interface;
  }

  void add(Interface& interface, Batch& batch) {
    const FileText file = interface.operstate_file->read(sources_.buffer);
    const auto operstate = first_line(file.text);
    if (operstate.empty()) return;  // not an interface (bonding_masters), or gone since it was listed
    bool changed = operstate != interface.operstate;
    if (changed) interface.operstate = operstate;
    for (std::size_t i = 0; i < kTelltales.size(); ++i) {
      double& number = interface.numbers[kTelltales[i]];
      const double before = std::exchange(
          number, parse_attribute(interface.telltale_files[i].read(sources_.buffer).text));
      changed = changed || differs(number, before);
    }
    if (changed || interface.passes_until_slow == 0) read_all(interface, changed);
    --interface.passes_until_slow;
    write(interface, batch);
  }

  void read_all(Interface& interface, bool info_changed) {
    interface.passes_until_slow = kSlowPasses;
    const auto read = [&](const char* name) {
      path_ = "class/net/";
      path_ += interface.name;
      path_ += '/';
      path_ += name;
      return sources_.sys.read(path_.c_str(), sources_.buffer).text;
    };
    for (std::size_t i = 0; i < kNumberFiles.size(); ++i) {
      if (std::find(kTelltales.begin(), kTelltales.end(), i) != kTelltales.end()) continue;
      interface.numbers[i] = parse_attribute(read(kNumberFiles[i]));
    }
    double& speed = interface.numbers[kSpeed];
    speed = ignore_invalid_speed_ && speed < 0 ? kNone : speed * kBytesPerMegabit;
    for (std::size_t i = 0; i < kTextFiles.size(); ++i) {
      const auto text = first_line(read(kTextFiles[i]));
      info_changed = info_changed || text != interface.texts[i];
      interface.texts[i] = text;
    }
    if (info_changed || !interface.info) interface.info = make_info(interface);
  }

  SeriesHandle make_info(const Interface& interface) {
    return sources_.catalog.series(kMetrics[kInfo], Labels{{"device", interface.name},
                                                           {"address", interface.texts[0]},
                                                           {"broadcast", interface.texts[1]},
                                                           {"duplex", interface.texts[2]},
                                                           {"ifalias", interface.texts[3]},
                                                           {"operstate", interface.operstate}});
  }

  static void write(const Interface& interface, Batch& batch) {
    for (std::size_t i = 0; i < interface.numbers.size(); ++i) {
      if (interface.numbers[i] == interface.numbers[i]) batch.add(interface.series[i], interface.numbers[i]);
    }
    batch.add(interface.series[kUp], interface.operstate == "up" ? 1 : 0);
    batch.add(interface.info, 1);
  }

  HostSources& sources_;
  InterfaceFilter filter_;
  bool ignore_invalid_speed_;
  ReadBuffer listing_;  // apart from the shared one, into which files are read meanwhile
  std::string path_;    // of a file being read, kept for its capacity
  KeyedSlots<Interface> interfaces_;
};

}  // namespace

std::unique_ptr<Part> make_netclass_part(HostSources& sources, const HostConfig& config) {
  return std::make_unique<NetclassPart>(sources, config);
}

std::span<const Metric> netclass_metrics() { return kMetrics; }

}  // namespace sidewatch
