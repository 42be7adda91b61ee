// Implementation of btrfs_devices.h.
#include "collectors/host/btrfs_devices.h"

#include <algorithm>
#include <functional>

#include "collectors/host/mounts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_btrfs_device_size_bytes", MetricType::gauge, "bytes",
           "Size of a device of the filesystem; with btrfs_dev_uuid when the filesystem is mounted and could be asked."},
    Metric{"node_btrfs_device_unused_bytes", MetricType::gauge, "bytes",
           "Bytes of the device that are not set aside for anything yet."},
    Metric{"node_btrfs_device_errors_total", MetricType::counter, "",
           "Errors of the device, by type: write, read, flush, corruption, generation."},
};

constexpr std::array<std::string_view, BtrfsDevice::kErrors> kErrorTypes{"write", "read", "flush", "corruption",
                                                                         "generation"};

}  // namespace

// Owned by the errand too, which may end long after whoever asked has given up.
struct BtrfsDevices::Question {
  int (*ask)(const char* mount_point, BtrfsFilesystem& filesystem) = nullptr;
  std::vector<Mount> mounts;
  std::vector<BtrfsFilesystem> answers;  // the first `answered` of them
  std::size_t answered = 0;
  std::vector<const std::string*> devices_done;

  // Of several mounts of one filesystem the first that can be asked will do.
  void put() {
    answered = 0;
    devices_done.clear();
    for (const Mount& mount : mounts) {
      const auto same = [&](const std::string* device) { return *device == mount.device; };
      if (std::any_of(devices_done.begin(), devices_done.end(), same)) continue;
      if (answers.size() == answered) answers.emplace_back();
      BtrfsFilesystem& filesystem = answers[answered];
      if (ask(mount.path.c_str(), filesystem) != 0) continue;
      devices_done.push_back(&mount.device);
      const auto known = [&](const BtrfsFilesystem& other) { return other.id == filesystem.id; };
      const auto end = answers.begin() + static_cast<std::ptrdiff_t>(answered);
      if (std::none_of(answers.begin(), end, known)) ++answered;
    }
  }
};

BtrfsDevices::BtrfsDevices(HostSources& sources, Duration patience)
    : sources_(sources),
      patience_(patience),
      mounts_file_(sources.proc, "1/mounts", ProcFile::Keep::open, ProcFile::Lines::any_length),
      own_mounts_file_(sources.proc, "self/mounts", ProcFile::Keep::open, ProcFile::Lines::any_length) {}

bool BtrfsDevices::ask(PartReport& report) {
  fresh_ = false;
  if (listed_ == nullptr || !listed_->unchanged()) list_mounts();
  if (question_ == nullptr) return !std::exchange(answered_, {}).empty();
  if (errand_->under_way || errands_.send(errand_, patience_) != ErrandRunner::Outcome::done) {
    report.partial({"does not answer", question_->mounts.front().path});
    return false;
  }
  fresh_ = true;
  const std::span<const BtrfsFilesystem> answers(question_->answers.data(), question_->answered);
  const auto same = [](const std::string& id, const BtrfsFilesystem& filesystem) { return id == filesystem.id; };
  if (std::equal(answered_.begin(), answered_.end(), answers.begin(), answers.end(), same)) return false;
  answered_.clear();
  for (const BtrfsFilesystem& filesystem : answers) answered_.push_back(filesystem.id);
  return true;
}

bool BtrfsDevices::answers(std::string_view id) const {
  return std::find(answered_.begin(), answered_.end(), id) != answered_.end();
}

// Makes a new question when other Btrfs filesystems are mounted than before.
void BtrfsDevices::list_mounts() {
  listed_ = nullptr;
  ProcFile* file = &mounts_file_;
  FileText text = file->read(sources_.buffer);
  if (!text && text.status() != FileStatus::failed) {  // hidden (hidepid): what this process sees
    file = &own_mounts_file_;
    text = file->read(sources_.buffer);
  }
  if (text) listed_ = file;  // if not, the part filesystem says why
  const auto visit = [&](const auto& take) {
    std::string_view rest = text.text;
    std::string_view line;
    while (next_line(rest, line)) {
      const auto mount = parse_mount_line(line);
      if (mount && mount->type == "btrfs") take(*mount);
    }
  };
  std::uint64_t hash = 0;
  visit([&](const MountLine& mount) { hash = hash * 1099511628211u + std::hash<std::string_view>{}(mount.text); });
  if (hash == mounts_hash_) return;
  mounts_hash_ = hash;
  question_.reset();
  if (hash == 0) return;
  question_ = std::make_shared<Question>();
  question_->ask = sources_.system.btrfs;
  visit([&](const MountLine& mount) {
    const std::string point = mount_point_on_host(unescape_mount(mount.mount_point), sources_.rootfs);
    question_->mounts.push_back({unescape_mount(mount.device), sources_.rootfs + point});
  });
  errand_ = std::make_shared<Errand>([question = question_] { question->put(); });
}

void BtrfsDevices::add(std::string_view id, const std::string& uuid, Batch& batch) {
  if (!fresh_) return;
  for (std::size_t i = 0; i < question_->answered; ++i) {
    const BtrfsFilesystem& filesystem = question_->answers[i];
    if (filesystem.id != id) continue;
    for (const BtrfsDevice& device : filesystem.devices) {
      key_ = uuid;
      ((key_ += ' ') += device.uuid) += device.name;
      const Device* series = devices_.take(key_, [&] { return make_device(uuid, device); });
      if (series == nullptr) continue;
      batch.add(series->size, device.size_bytes);
      batch.add(series->unused, device.unused_bytes);
      for (std::size_t error = 0; error < device.errors.size(); ++error) {
        batch.add(series->errors[error], device.errors[error]);
      }
    }
  }
}

void BtrfsDevices::forget_others() { devices_.forget_untaken(); }

BtrfsDevices::Device BtrfsDevices::make_device(const std::string& uuid, const BtrfsDevice& device) {
  const Labels labels{{"uuid", uuid}, {"device", device.name}, {"btrfs_dev_uuid", device.uuid}};
  Device series;
  series.size = sources_.catalog.series(kMetrics[0], labels);
  series.unused = sources_.catalog.series(kMetrics[1], labels);
  for (std::size_t i = 0; i < kErrorTypes.size(); ++i) {
    series.errors[i] = sources_.catalog.series(kMetrics[2], labels.with("type", kErrorTypes[i]));
  }
  return series;
}

std::span<const Metric> btrfs_device_metrics() { return kMetrics; }

}  // namespace sidewatch
