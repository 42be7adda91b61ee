// What the parts of the host collector (cpu, meminfo, netdev, ...) share.
//
// A part samples one family of metrics, in its own file: the metrics in a constexpr table on top, a pure parser of the
// kernel's text, and a Part that puts what the parser finds into the batch through kept series handles. Parts bear
// node_exporter's collector names and write its metric names, labels and values, so that its dashboards and rules work.
#pragma once

#include <sys/timex.h>
#include <sys/utsname.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/collector.h"
#include "collectors/proc_file.h"
#include "collectors/host/config.h"
#include "metrics/catalog.h"
#include "metrics/metric.h"
#include "metrics/store.h"

namespace sidewatch {

// Space and inodes of one filesystem.
struct FilesystemUsage {
  double size_bytes = 0;
  double free_bytes = 0;       // for root
  double available_bytes = 0;  // for everybody else
  double files = 0;
  double files_free = 0;
};

struct TimeZone {
  std::string name;
  double offset_seconds = 0;
};

// The kernel's clock as adjtimex(2) tells it.
struct ClockReading {
  int state = 0;  // TIME_OK ... TIME_ERROR
  timex time{};
};

// One address of a network interface.
struct InterfaceAddress {
  std::string interface;
  std::string address;      // "10.0.0.7", "fe80::1"
  unsigned prefix_bits = 0;
  std::string_view scope;   // global, link-local, or empty for neither
};

// A device of a Btrfs filesystem.
struct BtrfsDevice {
  static constexpr std::size_t kErrors = 5;  // write, read, flush, corruption, generation
  std::string name;                          // "sda4"
  std::string uuid;
  double size_bytes = 0;
  double unused_bytes = 0;
  std::array<double, kErrors> errors{};
};

struct BtrfsFilesystem {
  std::string id;
  std::vector<BtrfsDevice> devices;
};

// What the kernel is asked by a call instead of a file. Tests put their own answers here.
struct HostSystem {
  double (*elapsed_seconds)();  // for how long something took
  double (*wall_seconds)();     // since 1970
  void (*time_zone)(TimeZone& zone);
  bool (*uname)(utsname& name);
  int (*statfs)(const char* path, FilesystemUsage& usage);  // 0 or an errno
  int (*read_clock)(ClockReading& clock);                   // 0 or an errno
  int (*addresses)(std::vector<InterfaceAddress>& list);    // 0 or an errno
  int (*btrfs)(const char* mount_point, BtrfsFilesystem& filesystem);  // 0 or an errno

  static HostSystem real();
};

// A file that several parts read in one pass, fetched once.
class SharedFile {
 public:
  SharedFile(const ProcDir& directory, std::string name) : file_(directory, std::move(name)) {}
  FileText read(std::uint64_t pass);
  Error error(const FileText& text) const { return file_.error(text); }

 private:
  ProcFile file_;
  ReadBuffer buffer_;
  FileText text_;
  std::uint64_t pass_ = 0;
};

// Where parts read from. Lives as long as they do.
struct HostSources {
  HostSources(Catalog& catalog_of_series, const HostRoots& roots, HostSystem host_system);

  Catalog& catalog;
  ProcDir proc;
  ProcDir sys;
  std::string rootfs;  // without a trailing slash: "" for /
  std::string udev;    // udev's database
  HostSystem system;
  ReadBuffer buffer;  // for one text at a time
  std::uint64_t pass = 0;
  SharedFile stat;
};

// What went wrong in one pass of one part.
class PartReport {
 public:
  enum class State { ok, absent, failed };

  void absent() { state_ = State::absent; }  // this machine has no such thing; not an error
  void fail(const Error& error);             // the part yields nothing this time
  void partial(const Error& error);          // a field or a device is missing, the rest stands
  // The file could not be read: `fail`, worded.
  void fail(const ProcDir& directory, std::string_view name, const FileText& text);

  State state() const { return state_; }
  std::size_t errors() const { return errors_; }
  const std::string& first_error() const { return first_error_; }

 private:
  void count(const Error& error);
  State state_ = State::ok;
  std::size_t errors_ = 0;
  std::string first_error_;
};

class Part {
 public:
  virtual ~Part() = default;
  virtual void sample(Batch& batch, PartReport& report) = 0;
};

// --- Tools of parts ------------------------------------------------------------------------------------------------

// What is kept per device (interface, mount, key) between passes. Found without allocating; in the usual case, that a
// file lists its devices in the same order as before, without searching.
template <class Slot>
class KeyedSlots {
 public:
  // The slot of `key`, made by `make()` when it is new; null when the key was already taken in this pass.
  template <class Make>
  Slot* take(std::string_view key, Make&& make) {
    if (cursor_ >= entries_.size() || entries_[cursor_].key != key) cursor_ = index_of(key);
    if (cursor_ == entries_.size()) entries_.push_back(Entry{std::string(key), make(), false});
    Entry& entry = entries_[cursor_++];
    return std::exchange(entry.taken, true) ? nullptr : &entry.slot;
  }

  // Ends a pass: forgets what was not taken in it.
  void forget_untaken() {
    std::erase_if(entries_, [](const Entry& entry) { return !entry.taken; });
    for (Entry& entry : entries_) entry.taken = false;
    cursor_ = 0;
  }

  // Every slot, in the order of the last pass.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (Entry& entry : entries_) visit(entry.slot);
  }

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    Slot slot;
    bool taken;
  };

  std::size_t index_of(std::string_view key) const {
    std::size_t index = 0;
    while (index < entries_.size() && entries_[index].key != key) ++index;
    return index;
  }

  std::vector<Entry> entries_;
  std::size_t cursor_ = 0;
};

// One series for each metric of a table, all with the same labels.
template <std::size_t N>
std::array<SeriesHandle, N> make_series(Catalog& catalog, const std::array<Metric, N>& metrics,
                                        const Labels& labels = {}) {
  std::array<SeriesHandle, N> series;
  for (std::size_t i = 0; i < N; ++i) series[i] = catalog.series(metrics[i], labels);
  return series;
}

// A name that the exposition allows: every other character becomes '_'.
std::string legal_name(std::string_view text);

}  // namespace sidewatch
