// Space and inodes of filesystems: the mounts of /proc/1/mounts (fstab(5)), each asked by statfs under rootfs.
//
// Two parts of one kind: what a server or a user process answers for may hang in statfs for ever, so such types are
// asked by a collector of their own, each as an errand with a deadline. One that is late is not asked again before it
// has answered. A mount that cannot be asked says node_filesystem_device_error 1 and nothing else. Of several mounts with one device, mount point and type, the first is taken, as in node_exporter.
#include <algorithm>
#include <array>
#include <system_error>

#include "base/errand.h"
#include "collectors/host/mounts.h"
#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_filesystem_device_error", MetricType::gauge, "", "Whether the filesystem could not be asked: 1 or 0."},
    Metric{"node_filesystem_readonly", MetricType::gauge, "", "Whether the filesystem is mounted read-only: 1 or 0."},
    Metric{"node_filesystem_size_bytes", MetricType::gauge, "bytes", "Space that the filesystem has in all."},
    Metric{"node_filesystem_free_bytes", MetricType::gauge, "bytes", "Space that is free, with root's reserve."},
    Metric{"node_filesystem_avail_bytes", MetricType::gauge, "bytes", "Space that is free for everybody but root."},
    Metric{"node_filesystem_files", MetricType::gauge, "", "Inodes that the filesystem has in all."},
    Metric{"node_filesystem_files_free", MetricType::gauge, "", "Inodes that are free."},
};

// Types that something other than this kernel answers for. Anything "fuse" as well.
constexpr std::array<std::string_view, 16> kRemoteTypes{"9p",    "acfs",  "afs",       "beegfs", "ceph",  "cifs",
                                                        "coda",  "davfs", "glusterfs", "gfs2",   "lustre", "ncpfs",
                                                        "nfs",   "nfs4",  "ocfs2",     "smb3"};

enum class Place { local, remote };

Place place_of(std::string_view type) {
  if (type.starts_with("fuse")) return Place::remote;
  return std::find(kRemoteTypes.begin(), kRemoteTypes.end(), type) == kRemoteTypes.end() ? Place::local : Place::remote;
}

// What a remote mount is asked, and what it said. Owned by the errand too, which may end long after the mount is gone.
struct Question {
  Question(int (*call)(const char*, FilesystemUsage&), std::string mount) : statfs(call), path(std::move(mount)) {}
  int (*const statfs)(const char* path, FilesystemUsage& usage);
  const std::string path;
  FilesystemUsage usage;
  int error = 0;
};

struct Mount {
  bool wanted = false;
  bool read_only = false;
  std::string path;  // what statfs is asked
  std::shared_ptr<Question> question;  // of a remote one
  std::shared_ptr<Errand> errand;
  std::array<SeriesHandle, kMetrics.size()> series;
};

class FilesystemPart final : public Part {
 public:
  FilesystemPart(HostSources& sources, const HostConfig& config, Place place)
      : sources_(sources), place_(place), mount_timeout_(config.mount_timeout), mount_filter_(config.mounts), type_filter_(config.filesystem_types),
        file_(sources.proc, "1/mounts", ProcFile::Keep::open, ProcFile::Lines::any_length),
        own_file_(sources.proc, "self/mounts", ProcFile::Keep::open, ProcFile::Lines::any_length) {}

  void sample(Batch& batch, PartReport& report) override {
    if ((listed_ == nullptr || !listed_->unchanged()) && !list_mounts(report)) return;
    patience_ = mount_timeout_;
    mounts_.for_each([&](const Mount& mount) {
      if (mount.wanted) ask(mount, batch, report);
    });
  }

 private:
  // Brings mounts_ up to date. The kernel announces changes, so this is seldom needed.
  bool list_mounts(PartReport& report) {
    listed_ = nullptr;
    ProcFile* file = &file_;
    FileText mounts = file->read(sources_.buffer);
    if (!mounts && mounts.status() != FileStatus::failed) {  // hidden (hidepid): what this process sees
      file = &own_file_;
      mounts = file->read(sources_.buffer);
    }
    if (!mounts) {
      report.fail(file->error(mounts));
      return false;
    }
    std::string_view rest = mounts.text;
    std::string_view line;
    bool all_understood = true;
    while (next_line(rest, line)) {
      if (const auto mount = parse_mount_line(line)) {
        if (Mount* known = mounts_.take(mount->text, [&] { return make_mount(*mount); })) {
          known->read_only = mount->read_only;
        }
      } else {
        all_understood = false;
        report.partial({"line not understood: " + std::string(line), sources_.proc.path() + "/" + file->name()});
      }
    }
    mounts_.forget_untaken();
    if (all_understood) listed_ = file;  // otherwise every pass reads, and reports, again
    return true;
  }

  void ask(const Mount& mount, Batch& batch, PartReport& report) {
    FilesystemUsage usage;
    const int error = mount.errand ? ask_remote(mount, usage) : sources_.system.statfs(mount.path.c_str(), usage);
    batch.add(mount.series[0], error == 0 ? 0 : 1);
    if (error != 0) {
      if (error != ENOENT) report.partial({std::generic_category().message(error), mount.path});
      return;
    }
    const std::array values{mount.read_only ? 1.0 : 0.0, usage.size_bytes, usage.free_bytes, usage.available_bytes,
                            usage.files, usage.files_free};
    for (std::size_t i = 0; i < values.size(); ++i) batch.add(mount.series[i + 1], values[i]);
  }

  // 0 or an errno: ETIMEDOUT while it does not answer, EAGAIN when there is nobody to send.
  int ask_remote(const Mount& mount, FilesystemUsage& usage) {
    if (mount.errand->under_way) return ETIMEDOUT;
    switch (errands_.send(mount.errand, patience_)) {
      case ErrandRunner::Outcome::done: break;
      case ErrandRunner::Outcome::no_thread: return EAGAIN;
      case ErrandRunner::Outcome::late:
        // The same dead server may stand behind the other mounts: they all together must not hold up the pass.
        patience_ = std::max(mount_timeout_ / 10, Duration(1));
        return ETIMEDOUT;
    }
    usage = mount.question->usage;
    return mount.question->error;
  }

  Mount make_mount(const MountLine& line) {
    Mount mount;
    const std::string mount_point = mount_point_on_host(unescape_mount(line.mount_point), sources_.rootfs);
    mount.wanted = place_of(line.type) == place_ && mount_filter_.passes(mount_point) && type_filter_.passes(line.type);
    if (!mount.wanted) return mount;
    mount.path = sources_.rootfs + mount_point;
    if (place_ == Place::remote) {
      mount.question = std::make_shared<Question>(sources_.system.statfs, mount.path);
      mount.errand = std::make_shared<Errand>(
          [question = mount.question] { question->error = question->statfs(question->path.c_str(), question->usage); });
    }
    mount.series = make_series(
        sources_.catalog, kMetrics,
        Labels{{"device", unescape_mount(line.device)}, {"mountpoint", mount_point}, {"fstype", line.type}});
    return mount;
  }

  HostSources& sources_;
  Place place_;
  Duration mount_timeout_;
  Duration patience_{};  // of this pass, for each further mount
  ErrandRunner errands_;
  NameFilter mount_filter_;
  NameFilter type_filter_;
  ProcFile file_;
  ProcFile own_file_;
  const ProcFile* listed_ = nullptr;  // the file that mounts_ stands for; null: read it
  KeyedSlots<Mount> mounts_;
};

}  // namespace

std::unique_ptr<Part> make_filesystem_part(HostSources& sources, const HostConfig& config) {
  return std::make_unique<FilesystemPart>(sources, config, Place::local);
}

std::unique_ptr<Part> make_remote_filesystem_part(HostSources& sources, const HostConfig& config) {
  return std::make_unique<FilesystemPart>(sources, config, Place::remote);
}

std::span<const Metric> filesystem_metrics() { return kMetrics; }

}  // namespace sidewatch
