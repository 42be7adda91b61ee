// Ports of InfiniBand and RoCE adapters, from /sys/class/infiniband (Linux
// Documentation/ABI/stable/sysfs-class-infiniband).
//
// The kernel counts data in words of four bytes. Old drivers have 64-bit counters apart, in counters_ext. A counter
// that the hardware lacks says "N/A" and has no sample.
#include <array>

#include "collectors/host/device_tree.h"
#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

struct PortNumber {
  const char* file;
  Metric metric;
  double times = 1;
};

constexpr double kWordBytes = 4;
constexpr double kBytesPerGigabit = 125'000'000;
constexpr MetricType kCounter = MetricType::counter;

constexpr Metric kInfo{"node_infiniband_info", MetricType::gauge, "", "What the adapter is; always 1."};
constexpr std::array kNumbers{
    PortNumber{"state", {"node_infiniband_state_id", MetricType::gauge, "",
                         "State of the port: 1 down, 2 initialising, 3 armed, 4 active."}},
    PortNumber{"phys_state", {"node_infiniband_physical_state_id", MetricType::gauge, "",
                              "Physical state of the port: 1 asleep, 2 polling, 3 disabled, 5 up, 6 recovering."}},
    PortNumber{"rate", {"node_infiniband_rate_bytes_per_second", MetricType::gauge, "",
                        "Most that the port can carry."},
               kBytesPerGigabit},
    PortNumber{"counters_ext/port_multicast_rcv_packets",
               {"node_infiniband_legacy_multicast_packets_received_total", kCounter, "",
                "Multicast packets received."}},
    PortNumber{"counters_ext/port_multicast_xmit_packets",
               {"node_infiniband_legacy_multicast_packets_transmitted_total", kCounter, "", "Multicast packets sent."}},
    PortNumber{"counters_ext/port_rcv_data_64",
               {"node_infiniband_legacy_data_received_bytes_total", kCounter, "bytes", "Bytes received."}, kWordBytes},
    PortNumber{"counters_ext/port_rcv_packets_64",
               {"node_infiniband_legacy_packets_received_total", kCounter, "", "Packets received."}},
    PortNumber{"counters_ext/port_unicast_rcv_packets",
               {"node_infiniband_legacy_unicast_packets_received_total", kCounter, "", "Unicast packets received."}},
    PortNumber{"counters_ext/port_unicast_xmit_packets",
               {"node_infiniband_legacy_unicast_packets_transmitted_total", kCounter, "", "Unicast packets sent."}},
    PortNumber{"counters_ext/port_xmit_data_64",
               {"node_infiniband_legacy_data_transmitted_bytes_total", kCounter, "bytes", "Bytes sent."}, kWordBytes},
    PortNumber{"counters_ext/port_xmit_packets_64",
               {"node_infiniband_legacy_packets_transmitted_total", kCounter, "", "Packets sent."}},
    PortNumber{"counters/excessive_buffer_overrun_errors",
               {"node_infiniband_excessive_buffer_overrun_errors_total", kCounter, "",
                "Overruns in too many periods of flow control in a row."}},
    PortNumber{"counters/link_downed",
               {"node_infiniband_link_downed_total", kCounter, "", "Times that the link could not be recovered."}},
    PortNumber{"counters/link_error_recovery",
               {"node_infiniband_link_error_recovery_total", kCounter, "", "Times that the link was recovered."}},
    PortNumber{"counters/local_link_integrity_errors",
               {"node_infiniband_local_link_integrity_errors_total", kCounter, "",
                "Times that physical errors were too many."}},
    PortNumber{"counters/multicast_rcv_packets",
               {"node_infiniband_multicast_packets_received_total", kCounter, "",
                "Multicast packets received, with errors too."}},
    PortNumber{"counters/multicast_xmit_packets",
               {"node_infiniband_multicast_packets_transmitted_total", kCounter, "",
                "Multicast packets sent, with errors too."}},
    PortNumber{"counters/port_rcv_constraint_errors",
               {"node_infiniband_port_constraint_errors_received_total", kCounter, "",
                "Packets that the port refused."}},
    PortNumber{"counters/port_xmit_constraint_errors",
               {"node_infiniband_port_constraint_errors_transmitted_total", kCounter, "",
                "Packets that the port did not send."}},
    PortNumber{"counters/port_rcv_data",
               {"node_infiniband_port_data_received_bytes_total", kCounter, "bytes", "Bytes received."}, kWordBytes},
    PortNumber{"counters/port_xmit_data",
               {"node_infiniband_port_data_transmitted_bytes_total", kCounter, "bytes", "Bytes sent."}, kWordBytes},
    PortNumber{"counters/port_rcv_discards",
               {"node_infiniband_port_discards_received_total", kCounter, "",
                "Incoming packets dropped: port down or full."}},
    PortNumber{"counters/port_xmit_discards",
               {"node_infiniband_port_discards_transmitted_total", kCounter, "",
                "Outgoing packets dropped: port down or full."}},
    PortNumber{"counters/port_rcv_errors",
               {"node_infiniband_port_errors_received_total", kCounter, "", "Packets with errors received."}},
    PortNumber{"counters/port_rcv_packets",
               {"node_infiniband_port_packets_received_total", kCounter, "", "Packets received, with errors too."}},
    PortNumber{"counters/port_xmit_packets",
               {"node_infiniband_port_packets_transmitted_total", kCounter, "", "Packets sent, with errors too."}},
    PortNumber{"counters/port_xmit_wait",
               {"node_infiniband_port_transmit_wait_total", kCounter, "",
                "Ticks with data to send and no leave to send it."}},
    PortNumber{"counters/unicast_rcv_packets",
               {"node_infiniband_unicast_packets_received_total", kCounter, "",
                "Unicast packets received, with errors too."}},
    PortNumber{"counters/unicast_xmit_packets",
               {"node_infiniband_unicast_packets_transmitted_total", kCounter, "",
                "Unicast packets sent, with errors too."}},
    PortNumber{"counters/port_rcv_remote_physical_errors",
               {"node_infiniband_port_receive_remote_physical_errors_total", kCounter, "",
                "Packets that their sender marked as bad."}},
    PortNumber{"counters/port_rcv_switch_relay_errors",
               {"node_infiniband_port_receive_switch_relay_errors_total", kCounter, "",
                "Packets that the switch could not forward."}},
    PortNumber{"counters/symbol_error",
               {"node_infiniband_symbol_error_total", kCounter, "", "Small errors on the lanes of the link."}},
    PortNumber{"counters/VL15_dropped",
               {"node_infiniband_vl15_dropped_total", kCounter, "", "Management packets dropped for want of room."}},
};

constexpr std::array<const char*, 4> kLookedAt{"board_id", "fw_ver", "hca_type", "ports/"};

void describe_adapter(DeviceTree& tree, const std::string& device) {
  tree.constant(kInfo, Labels{{"device", device},
                              {"board_id", tree.text("board_id")},
                              {"firmware_version", tree.text("fw_ver")},
                              {"hca_type", tree.text("hca_type")}});
  for (const std::string& port : tree.list("ports")) {
    for (const PortNumber& number : kNumbers) {
      tree.number("ports/" + port + "/" + number.file, number.metric, Labels{{"device", device}, {"port", port}},
                  {.times = number.times});
    }
  }
}

}  // namespace

std::unique_ptr<Part> make_infiniband_part(HostSources& sources, const HostConfig&) {
  return make_device_part(sources, {"class/infiniband", "", kLookedAt, DeviceClass::Missing::absent, describe_adapter});
}

std::span<const Metric> infiniband_metrics() {
  static const std::vector<Metric> kAll = [] {
    std::vector<Metric> all{kInfo};
    for (const PortNumber& number : kNumbers) all.push_back(number.metric);
    return all;
  }();
  return kAll;
}

}  // namespace sidewatch
