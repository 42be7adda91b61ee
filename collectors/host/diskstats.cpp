// I/O of block devices, from /proc/diskstats (Linux Documentation/admin-guide/iostats.rst).
//
// A line is: major, minor, name, then columns in the order of kColumns below. Old kernels end before the discards
// (4.18) or the flushes (5.5): what is not there is not exported. Sectors are of 512 bytes whatever the device's are.
// node_disk_info and what follows it come from udev's database, once, when a device is first seen.
#include <array>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_disk_reads_completed_total", MetricType::counter, "", "Reads that were completed."},
    Metric{"node_disk_reads_merged_total", MetricType::counter, "", "Reads that were joined to a neighbouring one."},
    Metric{"node_disk_read_bytes_total", MetricType::counter, "bytes", "Bytes read."},
    Metric{"node_disk_read_time_seconds_total", MetricType::counter, "seconds", "Time of all reads added up."},
    Metric{"node_disk_writes_completed_total", MetricType::counter, "", "Writes that were completed."},
    Metric{"node_disk_writes_merged_total", MetricType::counter, "", "Writes that were joined to a neighbouring one."},
    Metric{"node_disk_written_bytes_total", MetricType::counter, "bytes", "Bytes written."},
    Metric{"node_disk_write_time_seconds_total", MetricType::counter, "seconds", "Time of all writes added up."},
    Metric{"node_disk_io_now", MetricType::gauge, "", "Requests that the device is working on."},
    Metric{"node_disk_io_time_seconds_total", MetricType::counter, "seconds", "Time with at least one request."},
    Metric{"node_disk_io_time_weighted_seconds_total", MetricType::counter, "seconds",
           "Time with requests, times their number."},
    Metric{"node_disk_discards_completed_total", MetricType::counter, "", "Discards (TRIM) that were completed."},
    Metric{"node_disk_discards_merged_total", MetricType::counter, "", "Discards joined to a neighbouring one."},
    Metric{"node_disk_discarded_sectors_total", MetricType::counter, "", "Sectors of 512 bytes that were discarded."},
    Metric{"node_disk_discard_time_seconds_total", MetricType::counter, "seconds", "Time of all discards added up."},
    Metric{"node_disk_flush_requests_total", MetricType::counter, "", "Flushes of the device's cache."},
    Metric{"node_disk_flush_requests_time_seconds_total", MetricType::counter, "seconds",
           "Time of all flushes added up."},
    Metric{"node_disk_info", MetricType::gauge, "", "What the device is; always 1."},
};

constexpr std::array kUdevMetrics{
    Metric{"node_disk_filesystem_info", MetricType::gauge, "", "Which filesystem is on the device; always 1."},
    Metric{"node_disk_device_mapper_info", MetricType::gauge, "", "What the mapped device (LVM, crypt) is; always 1."},
    Metric{"node_disk_ata_write_cache", MetricType::gauge, "", "Whether the disk has a write cache."},
    Metric{"node_disk_ata_write_cache_enabled", MetricType::gauge, "", "Whether the disk's write cache is on."},
    Metric{"node_disk_ata_rotation_rate_rpm", MetricType::gauge, "", "Turns per minute; 0 of a disk that does not turn."},
};
constexpr std::size_t kAta = 2;
constexpr std::array<std::string_view, 3> kAtaProperties{"ID_ATA_WRITE_CACHE", "ID_ATA_WRITE_CACHE_ENABLED",
                                                         "ID_ATA_ROTATION_RATE_RPM"};

// What a column is divided or multiplied by, in the order of the metrics above.
constexpr double kSectorBytes = 512;
constexpr double kMs = 1e-3;
constexpr std::size_t kColumns = kMetrics.size() - 1;
constexpr std::array<double, kColumns> kScales{1, 1, kSectorBytes, kMs, 1, 1, kSectorBytes, kMs, 1,
                                               kMs, kMs, 1, 1, 1, kMs, 1, kMs};
constexpr std::size_t kLeastColumns = 11;

struct DiskLine {
  std::string_view major;
  std::string_view minor;
  std::string_view device;
  std::array<double, kColumns> values{};
  std::size_t columns = 0;
};

std::optional<DiskLine> parse_disk_line(std::string_view line) {
  DiskLine disk;
  disk.major = next_field(line);
  disk.minor = next_field(line);
  disk.device = next_field(line);
  for (auto field = next_field(line); !field.empty() && disk.columns < kColumns; field = next_field(line)) {
    const auto value = parse_u64(field);
    if (!value) return std::nullopt;
    disk.values[disk.columns] = static_cast<double>(*value) * kScales[disk.columns];
    if (kScales[disk.columns] == kMs) disk.values[disk.columns] = static_cast<double>(*value) / 1000;
    ++disk.columns;
  }
  if (disk.device.empty() || disk.columns < kLeastColumns) return std::nullopt;
  return disk;
}

// The value of "E:key=" in a file of udev's database; empty when there is none.
std::string_view udev_property(std::string_view text, std::string_view key) {
  std::string_view line;
  while (next_line(text, line)) {
    if (!line.starts_with("E:")) continue;
    line.remove_prefix(2);
    const auto equals = line.find('=');
    if (equals != std::string_view::npos && line.substr(0, equals) == key) return line.substr(equals + 1);
  }
  return {};
}

struct Disk {
  bool wanted = false;
  std::array<SeriesHandle, kColumns> series;
  SeriesHandle info;
  std::vector<std::pair<SeriesHandle, double>> properties;
};

class DiskstatsPart final : public Part {
 public:
  DiskstatsPart(HostSources& sources, NameFilter filter)
      : sources_(sources), filter_(std::move(filter)), file_(sources.proc, "diskstats"),
        udev_(sources.udev) {}

  void sample(Batch& batch, PartReport& report) override {
    const FileText file = file_.read(text_);
    if (!file) return report.fail(file_.error(file));
    std::string_view rest = file.text;
    std::string_view line;
    while (next_line(rest, line)) {
      if (const auto disk = parse_disk_line(line)) {
        add(*disk, batch);
      } else {
        report.partial({"line not understood: " + std::string(line), sources_.proc.path() + "/diskstats"});
      }
    }
    disks_.forget_untaken();
  }

 private:
  void add(const DiskLine& line, Batch& batch) {
    Disk* disk = disks_.take(line.device, [&] { return make_disk(line); });
    if (disk == nullptr || !disk->wanted) return;
    for (std::size_t i = 0; i < line.columns; ++i) batch.add(disk->series[i], line.values[i]);
    batch.add(disk->info, 1);
    for (const auto& [series, value] : disk->properties) batch.add(series, value);
  }

  Disk make_disk(const DiskLine& line) {
    Disk disk;
    disk.wanted = filter_.passes(line.device);
    if (!disk.wanted) return disk;
    const Labels labels{{"device", line.device}};
    for (std::size_t i = 0; i < line.columns; ++i) disk.series[i] = sources_.catalog.series(kMetrics[i], labels);
    const std::string name = "b" + std::string(line.major) + ":" + std::string(line.minor);
    const std::string_view udev = udev_.read(name.c_str(), sources_.buffer).text;
    disk.info = make_info(line, udev);
    add_properties(disk, line.device, udev);
    return disk;
  }

  void add_properties(Disk& disk, std::string_view device, std::string_view text) {
    const auto add = [&](const Metric& metric, const Labels& labels, double value) {
      disk.properties.emplace_back(sources_.catalog.series(metric, labels), value);
    };
    if (const auto type = udev_property(text, "ID_FS_TYPE"); !type.empty()) {
      add(kUdevMetrics[0], Labels{{"device", device}, {"type", type}, {"usage", udev_property(text, "ID_FS_USAGE")},
                                  {"uuid", udev_property(text, "ID_FS_UUID")},
                                  {"version", udev_property(text, "ID_FS_VERSION")}}, 1);
    }
    if (const auto name = udev_property(text, "DM_NAME"); !name.empty()) {
      add(kUdevMetrics[1], Labels{{"device", device}, {"name", name}, {"uuid", udev_property(text, "DM_UUID")},
                                  {"vg_name", udev_property(text, "DM_VG_NAME")},
                                  {"lv_name", udev_property(text, "DM_LV_NAME")},
                                  {"lv_layer", udev_property(text, "DM_LV_LAYER")}}, 1);
    }
    if (udev_property(text, "ID_ATA").empty()) return;
    for (std::size_t i = 0; i < kAtaProperties.size(); ++i) {
      const auto value = parse_double(udev_property(text, kAtaProperties[i]));
      if (value) add(kUdevMetrics[kAta + i], Labels{{"device", device}}, *value);
    }
  }

  SeriesHandle make_info(const DiskLine& line, std::string_view text) {
    const std::string_view scsi_serial = udev_property(text, "SCSI_IDENT_SERIAL");
    const Labels labels{
        {"device", line.device},
        {"major", line.major},
        {"minor", line.minor},
        {"path", udev_property(text, "ID_PATH")},
        {"wwn", udev_property(text, "ID_WWN")},
        {"model", udev_property(text, "ID_MODEL")},
        {"serial", scsi_serial.empty() ? udev_property(text, "ID_SERIAL_SHORT") : scsi_serial},
        {"revision", udev_property(text, "ID_REVISION")},
    };
    return sources_.catalog.series(kMetrics[kColumns], labels);
  }

  HostSources& sources_;
  NameFilter filter_;
  ProcFile file_;
  ProcDir udev_;
  ReadBuffer text_;  // apart from the shared one, into which udev's files are read meanwhile
  KeyedSlots<Disk> disks_;
};

}  // namespace

std::unique_ptr<Part> make_diskstats_part(HostSources& sources, const HostConfig& config) {
  return std::make_unique<DiskstatsPart>(sources, config.disks);
}

std::span<const Metric> diskstats_metrics() {
  static const std::vector<Metric> kAll = [] {
    std::vector<Metric> all(kMetrics.begin(), kMetrics.end());
    all.insert(all.end(), kUdevMetrics.begin(), kUdevMetrics.end());
    return all;
  }();
  return kAll;
}

}  // namespace sidewatch
