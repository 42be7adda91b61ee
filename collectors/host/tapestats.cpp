// I/O of tape drives, from /sys/class/scsi_tape/stN/stats (Linux Documentation/scsi/st.rst). The entries beside stN
// (nst0, st0l, ...) are the same drives under other modes.
#include <array>

#include "collectors/host/device_tree.h"
#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_tape_io_now", MetricType::gauge, "", "Requests that the drive is working on."},
    Metric{"node_tape_io_time_seconds_total", MetricType::counter, "seconds", "Time spent waiting for the drive."},
    Metric{"node_tape_io_others_total", MetricType::counter, "", "Requests that were neither reads nor writes."},
    Metric{"node_tape_read_bytes_total", MetricType::counter, "bytes", "Bytes read."},
    Metric{"node_tape_reads_completed_total", MetricType::counter, "", "Reads issued."},
    Metric{"node_tape_read_time_seconds_total", MetricType::counter, "seconds", "Time spent waiting for reads."},
    Metric{"node_tape_written_bytes_total", MetricType::counter, "bytes", "Bytes written."},
    Metric{"node_tape_writes_completed_total", MetricType::counter, "", "Writes issued."},
    Metric{"node_tape_write_time_seconds_total", MetricType::counter, "seconds", "Time spent waiting for writes."},
    Metric{"node_tape_residual_total", MetricType::counter, "", "Requests that moved less than they asked for."},
};

constexpr std::array<const char*, kMetrics.size()> kFiles{"in_flight", "io_ns",          "other_cnt", "read_byte_cnt",
                                                          "read_cnt",  "read_ns",        "write_byte_cnt", "write_cnt",
                                                          "write_ns",  "resid_cnt"};
constexpr double kNanoseconds = 1e9;

void describe_tape(DeviceTree& tree, const std::string& device) {
  if (!parse_u64(device.substr(2))) return;
  for (std::size_t i = 0; i < kFiles.size(); ++i) {
    const bool is_time = std::string_view(kFiles[i]).ends_with("_ns");
    tree.number(std::string("stats/") + kFiles[i], kMetrics[i], Labels{{"device", device}},
                {.per = is_time ? kNanoseconds : 1});
  }
}

}  // namespace

std::unique_ptr<Part> make_tapestats_part(HostSources& sources, const HostConfig& config) {
  const auto describe = [filter = config.tapes](DeviceTree& tree, const std::string& device) {
    if (filter.passes(device)) describe_tape(tree, device);
  };
  return make_device_part(sources, {"class/scsi_tape", "st", {}, DeviceClass::Missing::absent, describe});
}

std::span<const Metric> tapestats_metrics() { return kMetrics; }

}  // namespace sidewatch
