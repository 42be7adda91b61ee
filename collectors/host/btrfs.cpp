// Space of Btrfs filesystems by what it holds and how it is laid out, from /sys/fs/btrfs/<uuid>.
//
// The kernel keeps a directory per layout (single, dup, raid1, ...) for data, metadata and system blocks. How many
// bytes of disk a byte takes follows from the layout and, for parity, from the number of devices. Errors and free space
// per device are an ioctl's to tell, on the mounted filesystem, and not sampled.
#include <array>

#include "collectors/host/device_tree.h"
#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_btrfs_info", MetricType::gauge, "", "What the filesystem is called; always 1."},
    Metric{"node_btrfs_global_rsv_size_bytes", MetricType::gauge, "bytes", "Size of the global reserve."},
    Metric{"node_btrfs_reserved_bytes", MetricType::gauge, "bytes", "Bytes reserved for this kind of block."},
    Metric{"node_btrfs_used_bytes", MetricType::gauge, "bytes", "Bytes in use, by kind of block and layout."},
    Metric{"node_btrfs_size_bytes", MetricType::gauge, "bytes", "Bytes set aside, by kind of block and layout."},
    Metric{"node_btrfs_allocation_ratio", MetricType::gauge, "", "Bytes of disk that a byte takes in this layout."},
    Metric{"node_btrfs_device_size_bytes", MetricType::gauge, "bytes", "Size of a device of the filesystem."},
};

constexpr std::array<const char*, 6> kLookedAt{"label",           "metadata_uuid",        "devices/",
                                               "allocation/data/", "allocation/metadata/", "allocation/system/"};
constexpr std::array<std::string_view, 3> kKinds{"data", "metadata", "system"};
constexpr double kSectorBytes = 512;

double ratio_of(std::string_view layout, std::size_t devices) {
  const double count = static_cast<double>(devices);
  if (layout == "single" || layout == "raid0") return 1;
  if (layout == "dup" || layout == "raid1" || layout == "raid10") return 2;
  if (layout == "raid1c3") return 3;
  if (layout == "raid1c4") return 4;
  if (layout == "raid5") return devices > 1 ? count / (count - 1) : 0;
  if (layout == "raid6") return devices > 2 ? count / (count - 2) : 0;
  return 0;
}

void add_kind(DeviceTree& tree, const std::string& uuid, std::string_view kind, std::size_t devices) {
  const std::string directory = "allocation/" + std::string(kind) + "/";
  tree.number(directory + "bytes_reserved", kMetrics[2], Labels{{"uuid", uuid}, {"block_group_type", kind}});
  for (const std::string& layout : tree.list(directory)) {
    if (!tree.has(directory + layout + "/total_bytes")) continue;
    const Labels labels{{"uuid", uuid}, {"block_group_type", kind}, {"mode", layout}};
    tree.number(directory + layout + "/used_bytes", kMetrics[3], labels);
    tree.number(directory + layout + "/total_bytes", kMetrics[4], labels);
    tree.constant(kMetrics[5], labels, ratio_of(layout, devices));
  }
}

void describe_filesystem(DeviceTree& tree, const std::string& device) {
  if (device.find('-') == std::string::npos) return;  // "features" stands beside the filesystems
  const std::string own = tree.text("metadata_uuid");
  const std::string& uuid = own.empty() ? device : own;
  tree.constant(kMetrics[0], Labels{{"uuid", uuid}, {"label", tree.text("label")}});
  tree.number("allocation/global_rsv_size", kMetrics[1], Labels{{"uuid", uuid}});
  const auto devices = tree.list("devices");
  for (const std::string_view kind : kKinds) add_kind(tree, uuid, kind, devices.size());
  for (const std::string& name : devices) {
    tree.number("devices/" + name + "/size", kMetrics[6], Labels{{"uuid", uuid}, {"device", name}},
                {.times = kSectorBytes, .pace = NumberForm::Pace::seldom});
  }
}

}  // namespace

std::unique_ptr<Part> make_btrfs_part(HostSources& sources, const HostConfig&) {
  return make_device_part(sources, {"fs/btrfs", "", kLookedAt, DeviceClass::Missing::nothing, describe_filesystem});
}

std::span<const Metric> btrfs_metrics() { return kMetrics; }

}  // namespace sidewatch
