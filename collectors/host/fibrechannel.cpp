// Ports of Fibre Channel adapters, from /sys/class/fc_host. A counter of all ones is one that the driver does not keep.
#include <array>

#include "collectors/host/device_tree.h"
#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_fibrechannel_info", MetricType::gauge, "", "What the port is and its state; always 1."},
    Metric{"node_fibrechannel_dumped_frames_total", MetricType::counter, "", "Frames that were lost for want of room."},
    Metric{"node_fibrechannel_error_frames_total", MetricType::counter, "", "Frames with errors."},
    Metric{"node_fibrechannel_invalid_crc_total", MetricType::counter, "", "Frames with a wrong checksum."},
    Metric{"node_fibrechannel_rx_frames_total", MetricType::counter, "", "Frames received."},
    Metric{"node_fibrechannel_rx_words_total", MetricType::counter, "", "Words received."},
    Metric{"node_fibrechannel_tx_frames_total", MetricType::counter, "", "Frames sent."},
    Metric{"node_fibrechannel_tx_words_total", MetricType::counter, "", "Words sent."},
    Metric{"node_fibrechannel_seconds_since_last_reset_total", MetricType::counter, "",
           "Seconds since the port was reset."},
    Metric{"node_fibrechannel_invalid_tx_words_total", MetricType::counter, "", "Invalid words sent."},
    Metric{"node_fibrechannel_link_failure_total", MetricType::counter, "", "Times that the link failed."},
    Metric{"node_fibrechannel_loss_of_sync_total", MetricType::counter, "", "Times that synchronisation was lost."},
    Metric{"node_fibrechannel_loss_of_signal_total", MetricType::counter, "", "Times that the signal was lost."},
    Metric{"node_fibrechannel_nos_total", MetricType::counter, "", "Not-operational sequences received."},
    Metric{"node_fibrechannel_fcp_packet_aborts_total", MetricType::counter, "", "Packets that were aborted."},
};

// In the order of the metrics behind the first.
constexpr std::array<const char*, kMetrics.size() - 1> kCounters{
    "dumped_frames",     "error_frames",         "invalid_crc_count",        "rx_frames",
    "rx_words",          "tx_frames",            "tx_words",                 "seconds_since_last_reset",
    "invalid_tx_word_count", "link_failure_count", "loss_of_sync_count",     "loss_of_signal_count",
    "nos_count",         "fcp_packet_aborts"};

constexpr std::array<const char*, 10> kTexts{"speed",       "port_state",   "port_type",         "port_id",
                                             "port_name",   "fabric_name",  "symbolic_name",     "supported_classes",
                                             "supported_speeds", "dev_loss_tmo"};

void describe_port(DeviceTree& tree, const std::string& device) {
  std::vector<Label> info{{"fc_host", device}};
  for (const std::string file : kTexts) {
    std::string text = tree.text(file);
    const bool number = file == "port_id" || file == "port_name" || file == "fabric_name";
    if (number && text.size() > 2) text.erase(0, 2);  // 0x
    info.push_back({file, std::move(text)});
  }
  tree.constant(kMetrics[0], Labels(std::move(info)));
  for (std::size_t i = 0; i < kCounters.size(); ++i) {
    tree.number(std::string("statistics/") + kCounters[i], kMetrics[i + 1], Labels{{"fc_host", device}},
                {.all_ones = NumberForm::AllOnes::no_number});
  }
}

}  // namespace

std::unique_ptr<Part> make_fibrechannel_part(HostSources& sources, const HostConfig&) {
  return make_device_part(sources, {"class/fc_host", "", kTexts, DeviceClass::Missing::absent, describe_port});
}

std::span<const Metric> fibrechannel_metrics() { return kMetrics; }

}  // namespace sidewatch
