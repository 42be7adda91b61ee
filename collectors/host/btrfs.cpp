// Space of Btrfs filesystems by what it holds and how it is laid out, from /sys/fs/btrfs/<uuid>.
//
// The kernel keeps a directory per layout (single, dup, raid1, ...) for data, metadata and system blocks. How many
// bytes of disk a byte takes follows from the layout and, for parity, from the number of devices. Errors and free space
// per device are an ioctl's to tell, on the mounted filesystem (btrfs_devices.h); of one that is not mounted where we
// see it, only the sizes of its devices are known.
#include <array>

#include "collectors/host/btrfs_devices.h"
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
    Metric{"node_btrfs_commits_total", MetricType::counter, "", "Times that changes were brought to the disk."},
    Metric{"node_btrfs_last_commit_seconds", MetricType::gauge, "seconds", "How long the latest of them took."},
    Metric{"node_btrfs_max_commit_seconds", MetricType::gauge, "seconds", "How long the longest of them took."},
    Metric{"node_btrfs_commit_seconds_total", MetricType::counter, "seconds", "How long all of them took together."},
};

constexpr std::array<const char*, 6> kLookedAt{"label",           "metadata_uuid",        "devices/",
                                               "allocation/data/", "allocation/metadata/", "allocation/system/"};
constexpr std::array<std::string_view, 3> kKinds{"data", "metadata", "system"};
constexpr double kSectorBytes = 512;
constexpr double kMilliseconds = 1e3;

// Since Linux 6.0, in the order of the metrics.
constexpr std::size_t kFirstCommit = 6;
constexpr std::array<std::string_view, 4> kCommitLines{"commits ", "last_commit_ms ", "max_commit_ms ",
                                                       "total_commit_ms "};

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

void add_space(DeviceTree& tree, const std::string& uuid) {
  tree.constant(kMetrics[0], Labels{{"uuid", uuid}, {"label", tree.text("label")}});
  tree.number("allocation/global_rsv_size", kMetrics[1], Labels{{"uuid", uuid}});
  for (std::size_t i = 0; i < kCommitLines.size(); ++i) {
    tree.number("commit_stats", kMetrics[kFirstCommit + i], Labels{{"uuid", uuid}},
                {.per = i == 0 ? 1 : kMilliseconds, .line = kCommitLines[i]});
  }
  const std::size_t devices = tree.list("devices").size();
  for (const std::string_view kind : kKinds) add_kind(tree, uuid, kind, devices);
}

void add_sizes(DeviceTree& tree, const std::string& uuid) {
  for (const std::string& name : tree.list("devices")) {
    tree.number("devices/" + name + "/size", btrfs_device_metrics()[0], Labels{{"uuid", uuid}, {"device", name}},
                {.times = kSectorBytes, .pace = NumberForm::Pace::seldom});
  }
}

class BtrfsPart final : public Part {
 public:
  BtrfsPart(HostSources& sources, const HostConfig& config)
      : tree_(sources, {"fs/btrfs", "", kLookedAt, DeviceClass::Missing::nothing,
                        [this](DeviceTree& tree, const std::string& id) { describe(tree, id); }}),
        devices_(sources, config.mount_timeout) {}

  void sample(Batch& batch, PartReport& report) override {
    if (devices_.ask(report)) tree_.describe_anew();
    tree_.sample(batch, report);
    for (const Described& filesystem : described_) devices_.add(filesystem.id, filesystem.uuid, batch);
    devices_.forget_others();
  }

 private:
  struct Described {
    std::string id;    // the name of its directory
    std::string uuid;  // as a label; another one when it was changed in the metadata alone
  };

  void describe(DeviceTree& tree, const std::string& id) {
    if (tree.claim("first")) described_.clear();
    if (id.find('-') == std::string::npos) return;  // "features" stands beside the filesystems
    const std::string own = tree.text("metadata_uuid");
    const std::string& uuid = own.empty() ? id : own;
    add_space(tree, uuid);
    if (!devices_.answers(id)) add_sizes(tree, uuid);
    described_.push_back({id, uuid});
  }

  DeviceTree tree_;
  BtrfsDevices devices_;
  std::vector<Described> described_;
};

}  // namespace

std::unique_ptr<Part> make_btrfs_part(HostSources& sources, const HostConfig& config) {
  return std::make_unique<BtrfsPart>(sources, config);
}

std::span<const Metric> btrfs_metrics() {
  static const std::vector<Metric> kAll = [] {
    std::vector<Metric> all(kMetrics.begin(), kMetrics.end());
    all.insert(all.end(), btrfs_device_metrics().begin(), btrfs_device_metrics().end());
    return all;
  }();
  return kAll;
}

}  // namespace sidewatch
