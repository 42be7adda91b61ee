// ZFS: its caches and intent log, and its pools and datasets, from /proc/spl/kstat/zfs.
//
// Most files are a line of numbers, the line "name type data", and a line per counter, of which those of type 4
// (64-bit, unsigned) are exported, untyped, under node_zfs_<file>_<name>. A pool is a directory: `state` is a word,
// `objset-*` is a file as above per dataset, and `io`, of older versions, is a line of names above a line of numbers.
#include <array>
#include <functional>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_zfs_*", MetricType::untyped, "", "The number that ZFS keeps under this name (arc, zil, dmu_tx, ...)."},
    Metric{"node_zfs_zpool_*", MetricType::untyped, "", "I/O of the pool, of versions of ZFS that count it."},
    Metric{"node_zfs_zpool_dataset_*", MetricType::untyped, "", "I/O of the dataset."},
    Metric{"node_zfs_zpool_state", MetricType::gauge, "", "Which state the pool is in: 1 for it, 0 for the others."},
};

struct KstatName {
  const char* file;
  std::string_view prefix;  // of its metrics' names
};

constexpr std::array<KstatName, 11> kFiles{{
    {"abdstats", "node_zfs_abd_"},
    {"arcstats", "node_zfs_arc_"},
    {"dbuf_stats", "node_zfs_dbuf_"},
    {"dmu_tx", "node_zfs_dmu_tx_"},
    {"dnodestats", "node_zfs_dnode_"},
    {"fm", "node_zfs_fm_"},
    {"vdev_cache_stats", "node_zfs_vdev_cache_"},
    {"vdev_mirror_stats", "node_zfs_vdev_mirror_"},
    {"xuio_stats", "node_zfs_xuio_"},
    {"zfetchstats", "node_zfs_zfetch_"},
    {"zil", "node_zfs_zil_"},
}};

constexpr std::array<std::string_view, 6> kStates{"online", "degraded", "faulted", "offline", "removed", "unavail"};
constexpr std::string_view kUnsigned64 = "4";
constexpr std::size_t kLeastIoColumns = 12;

using KstatSeries = KeyedSlots<SeriesHandle>;

bool same_word(std::string_view left, std::string_view right) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (lower(left[i]) != right[i]) return false;
  }
  return true;
}

class KstatFile {
 public:
  KstatFile(const ProcDir& proc, std::string path, std::string_view prefix)
      : file_(proc, std::move(path), ProcFile::Keep::closed), prefix_(prefix) {}

  // `pool` is empty for what is not a pool's.
  void sample(HostSources& sources, std::string_view pool, Batch& batch, PartReport& report) {
    const FileText file = file_.read(sources.buffer);
    if (file.status() == FileStatus::gone) return;
    if (!file) return report.partial(file_.error(file));
    std::string_view rest = file.text;
    std::string_view line;
    while (next_line(rest, line) && !line.starts_with("name")) {
    }
    std::string_view dataset;
    while (next_line(rest, line)) {
      const auto name = next_field(line);
      const auto type = next_field(line);
      if (name == "dataset_name") dataset = next_field(line);
      if (type != kUnsigned64) continue;
      const auto value = parse_u64(next_field(line));
      if (!value || (!pool.empty() && dataset.empty())) continue;
      const SeriesHandle* series = series_.take(name, [&] { return make(sources.catalog, pool, dataset, name); });
      if (series != nullptr) batch.add(*series, static_cast<double>(*value));
    }
    series_.forget_untaken();
  }

 private:
  SeriesHandle make(Catalog& catalog, std::string_view pool, std::string_view dataset, std::string_view name) const {
    const std::string metric = std::string(prefix_) + legal_name(name);
    const std::string help = "The number that ZFS keeps as " + std::string(name) + ".";
    std::vector<Label> labels;
    if (!pool.empty()) labels = {{"zpool", std::string(pool)}, {"dataset", std::string(dataset)}};
    return catalog.series({metric, MetricType::untyped, "", help}, Labels(std::move(labels)));
  }

  ProcFile file_;
  std::string_view prefix_;
  KstatSeries series_;
};

struct Pool {
  std::string name;
  std::string directory;
  ProcFile state;
  ProcFile io;
  std::array<SeriesHandle, kStates.size()> states;
  KstatSeries io_series;
  KeyedSlots<KstatFile> datasets;
};

class ZfsPart final : public Part {
 public:
  explicit ZfsPart(HostSources& sources) : sources_(sources) {
    for (const KstatName& name : kFiles) {
      files_.emplace_back(sources.proc, kDirectory + ("/" + std::string(name.file)), name.prefix);
    }
  }

  void sample(Batch& batch, PartReport& report) override {
    const auto visit = [&](std::string_view name) {
      for (const KstatName& file : kFiles) {
        if (name == file.file) return;
      }
      Pool* pool = pools_.take(name, [&] { return make_pool(name); });
      if (pool != nullptr) add_pool(*pool, batch, report);
    };
    // The callback holds one reference, so that std::function need not allocate.
    const int error = sources_.proc.list(kDirectory, listing_, std::ref(visit));
    pools_.forget_untaken();
    if (file_status(error) == FileStatus::gone) return report.absent();
    if (error != 0) return report.fail(sources_.proc.error(kDirectory, error));
    for (KstatFile& file : files_) file.sample(sources_, "", batch, report);
  }

 private:
  static constexpr const char* kDirectory = "spl/kstat/zfs";

  Pool make_pool(std::string_view name) {
    const std::string directory = std::string(kDirectory) + "/" + std::string(name);
    const auto file = [&](const char* in) { return ProcFile(sources_.proc, directory + in, ProcFile::Keep::closed); };
    return Pool{std::string(name), directory, file("/state"), file("/io"), {}, {}, {}};
  }

  void add_pool(Pool& pool, Batch& batch, PartReport& report) {
    add_state(pool, batch);
    add_io(pool, batch);
    const auto visit = [&](std::string_view name) {
      if (!name.starts_with("objset-")) return;
      KstatFile* dataset = pool.datasets.take(name, [&] {
        return KstatFile(sources_.proc, pool.directory + "/" + std::string(name), "node_zfs_zpool_dataset_");
      });
      if (dataset != nullptr) dataset->sample(sources_, pool.name, batch, report);
    };
    sources_.proc.list(pool.directory.c_str(), pool_listing_, std::ref(visit));  // no directory, no pool
    pool.datasets.forget_untaken();
  }

  void add_state(Pool& pool, Batch& batch) {
    const auto state = first_line(pool.state.read(sources_.buffer).text);
    if (state.empty()) return;
    for (std::size_t i = 0; i < kStates.size(); ++i) {
      if (!pool.states[i]) {
        pool.states[i] = sources_.catalog.series(kMetrics[3], Labels{{"zpool", pool.name}, {"state", kStates[i]}});
      }
      batch.add(pool.states[i], same_word(state, kStates[i]) ? 1 : 0);
    }
  }

  void add_io(Pool& pool, Batch& batch) {
    std::string_view rest = pool.io.read(sources_.buffer).text;
    std::string_view names;
    std::string_view numbers;
    while (next_line(rest, names) && !names.starts_with("nread")) {
    }
    if (!next_line(rest, numbers)) return;
    std::size_t columns = 0;
    for (auto copy = names; !next_field(copy).empty();) ++columns;
    if (columns < kLeastIoColumns) return;
    for (auto name = next_field(names); !name.empty(); name = next_field(names)) {
      const auto value = parse_u64(next_field(numbers));
      if (!value) break;
      const SeriesHandle* series = pool.io_series.take(name, [&] {
        const std::string metric = "node_zfs_zpool_" + legal_name(name);
        return sources_.catalog.series({metric, MetricType::untyped, "", kMetrics[1].help},
                                       Labels{{"zpool", pool.name}});
      });
      if (series != nullptr) batch.add(*series, static_cast<double>(*value));
    }
    pool.io_series.forget_untaken();
  }

  HostSources& sources_;
  ReadBuffer listing_;  // buffers of their own, because files are read while the directories are gone through
  ReadBuffer pool_listing_;
  std::vector<KstatFile> files_;
  KeyedSlots<Pool> pools_;
};

}  // namespace

std::unique_ptr<Part> make_zfs_part(HostSources& sources, const HostConfig&) {
  return std::make_unique<ZfsPart>(sources);
}

std::span<const Metric> zfs_metrics() { return kMetrics; }

}  // namespace sidewatch
