// What the tests of the process collector share: a collector whose passes land in a real store, and a small procfs of
// plain files whose processes a test makes, changes and ends.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collectors/process/process.h"
#include "metrics/exposition.h"
#include "metrics/store.h"

namespace sidewatch {

class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "sidewatch-process-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline void write_file(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

inline ProcessGroupConfig group_named(const std::string& name, ProcessMatch match, bool children = true) {
  ProcessGroupConfig group;
  group.name.value = name;
  group.match = std::move(match);
  group.children = children;
  return group;
}

inline ProcessMatch by_comm(const std::string& comm) {
  ProcessMatch match;
  match.comm = {comm};
  return match;
}

inline ProcessMatch by_exe(const std::string& exe) {
  ProcessMatch match;
  match.exe = {exe};
  return match;
}

inline ProcessMatch by_cmdline(const std::string& pattern) {
  ProcessMatch match;
  match.cmdline = {Regex::compile(pattern).value()};
  return match;
}

// A process as FakeProc writes it.
struct FakeProcess {
  pid_t pid = 0;
  pid_t ppid = 1;
  std::uint64_t start_ticks = 1000;
  std::string comm = "service";
  std::string exe = "/usr/bin/service";                 // empty: no link, as for kernel threads and zombies
  std::string cmdline = std::string("service\0-v\0", 11);
  char state = 'S';
  std::uint64_t user_ticks = 0;
  std::uint64_t system_ticks = 0;
  std::uint64_t threads = 1;
  std::uint64_t resident_pages = 10;
  std::uint64_t read_bytes = 0;
  std::uint64_t max_open_files = 1024;
  int open_files = 0;
  std::vector<std::uint64_t> sockets = {};              // inodes, open besides
  unsigned user = 4'000'000'000;                        // whom no user database knows
  std::string cgroups = "0::/\n";
};

struct FakeThread {
  pid_t id = 0;
  std::string comm = "worker";
  std::uint64_t start_ticks = 1000;
  std::uint64_t user_ticks = 0;
  std::uint64_t read_bytes = 0;
  std::uint64_t switches = 0;
  std::string wchan = "0";
};

class FakeProc {
 public:
  FakeProc() {
    write_file(dir_.path() / "stat", "cpu  1 1 1 1\nbtime 1700000000\nprocesses 5\n");
    write(FakeProcess{.pid = 1, .ppid = 0, .start_ticks = 1, .comm = "systemd", .exe = "/usr/lib/systemd/systemd",
                      .cmdline = "/sbin/init"});
  }

  std::string root() const { return dir_.path().string(); }
  std::filesystem::path path(pid_t pid) const { return dir_.path() / std::to_string(pid); }

  // Makes the process, or changes it in place.
  void write(const FakeProcess& p) {
    const auto directory = path(p.pid);
    write_file(directory / "stat", stat_text(p));
    write_file(directory / "status", "Name:\tx\nUid:\t0\t" + std::to_string(p.user) + "\t0\t0\nVmSwap:\t       4 kB\n" +
                                         "voluntary_ctxt_switches:\t30\nnonvoluntary_ctxt_switches:\t3\n");
    write_file(directory / "cgroup", p.cgroups);
    write_file(directory / "oom_score", std::to_string(p.pid) + "\n");
    write_file(directory / "smaps_rollup", "5581-7ffd ---p 00000000 00:00 0 [rollup]\nRss: 90 kB\nPss:  40 kB\n"
                                           "Pss_Dirty: 1 kB\nSwap: 8 kB\nSwapPss: 2 kB\nLocked: 0 kB\n");
    write_file(directory / "io", "rchar: 9\nread_bytes: " + std::to_string(p.read_bytes) + "\nwrite_bytes: 0\n");
    write_file(directory / "limits", "Limit                     Soft Limit           Hard Limit           Units\n"
                                     "Max open files            " + std::to_string(p.max_open_files) + " 4096 files\n" +
                                     "Max address space         1000000 unlimited bytes\n");
    write_file(directory / "cmdline", p.cmdline);
    std::filesystem::remove(directory / "exe");
    if (!p.exe.empty()) std::filesystem::create_symlink(p.exe, directory / "exe");
    std::filesystem::remove_all(directory / "fd");
    std::filesystem::create_directories(directory / "fd");
    for (int i = 0; i < p.open_files; ++i) write_file(directory / "fd" / std::to_string(i), "");
    for (const auto inode : p.sockets) {
      std::filesystem::create_symlink("socket:[" + std::to_string(inode) + "]",
                                      directory / "fd" / std::to_string(inode));
    }
  }
  // A thread of a process; its main one is not written by itself.
  void write(pid_t pid, const FakeThread& t) {
    const auto directory = path(pid) / "task" / std::to_string(t.id);
    write_file(directory / "stat", stat_text({.pid = t.id, .start_ticks = t.start_ticks, .comm = t.comm,
                                              .user_ticks = t.user_ticks}));
    write_file(directory / "status", "Name:\tx\nvoluntary_ctxt_switches:\t" + std::to_string(t.switches) +
                                         "\nnonvoluntary_ctxt_switches:\t1\n");
    write_file(directory / "io", "read_bytes: " + std::to_string(t.read_bytes) + "\nwrite_bytes: 0\n");
    write_file(directory / "wchan", t.wchan);
  }
  void end_thread(pid_t pid, pid_t thread) {
    std::filesystem::remove_all(path(pid) / "task" / std::to_string(thread));
  }
  void end(pid_t pid) { std::filesystem::remove_all(path(pid)); }

  struct Listener {
    int port;
    std::uint64_t inode;
  };
  void listen(const std::vector<Listener>& listeners) {
    std::string text = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid inode\n";
    for (const auto& listener : listeners) {
      char line[160];
      std::snprintf(line, sizeof line,
                    "   0: 00000000:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000   0    0 %llu 1 0\n",
                    static_cast<unsigned>(listener.port), static_cast<unsigned long long>(listener.inode));
      text += line;
    }
    write_file(dir_.path() / "net" / "tcp", text);
  }

  static std::string stat_text(const FakeProcess& p) {
    const auto n = [](auto value) { return " " + std::to_string(value); };
    return std::to_string(p.pid) + " (" + p.comm + ") " + p.state + n(p.ppid) + " 1 1 0 -1 4194560 100 0 2 0" +
           n(p.user_ticks) + n(p.system_ticks) + " 0 0 20 0" + n(p.threads) + " 0" + n(p.start_ticks) + " 1048576" +
           n(p.resident_pages) + " 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
  }

 private:
  TempDir dir_;
};

// What an outcome has for the log, in words.
inline std::vector<std::string> texts_of(const std::vector<PassNews>& news) {
  std::vector<std::string> texts;
  for (const auto& one : news) texts.push_back(one.text);
  return texts;
}

// A collector and the store its passes go to; a pass is a second after the one before.
class Watch {
 public:
  explicit Watch(std::vector<ProcessGroupConfig> groups, ProcessOptions options = {})
      : collector_(make_process_collector(std::move(groups), std::move(options), catalog_)) {}

  Result<PassOutcome> pass() {
    now_ += std::chrono::seconds(1);
    batch_.clear();
    auto outcome = collector_->collect(batch_, now_);
    if (outcome) {
      store_.append(source_, now_, batch_);
    } else {
      store_.mark_stale(source_, now_);
    }
    return outcome;
  }
  // A pass that must succeed.
  PassOutcome good_pass() {
    auto outcome = pass();
    EXPECT_TRUE(outcome) << outcome.error().text();
    return outcome ? *outcome : PassOutcome();
  }
  void advance(Duration by) { now_ += by; }

  // Of any series, by its name and all of its labels.
  std::optional<double> series(const std::string& name, const Labels& labels) const {
    for (const auto& series : store_.snapshot()) {
      if (series.info->family->name == name && series.info->labels == labels) return series.last.value;
    }
    return std::nullopt;
  }

  // `name` without its prefix, of the group and with one more label.
  std::optional<double> value(const std::string& name, const std::string& group, const std::string& label = "",
                              const std::string& text = "") const {
    for (const auto& series : store_.snapshot()) {
      const auto& info = *series.info;
      const bool is = info.family->name == "namedprocess_namegroup_" + name && info.labels.get("groupname") == group;
      if (is && (label.empty() || info.labels.get(label) == text)) return series.last.value;
    }
    return std::nullopt;
  }
  std::optional<double> processes(const std::string& group) const { return value("num_procs", group); }

  std::string page() const {
    std::string text;
    const auto series = store_.snapshot();
    render_exposition(series, ExpositionFormat::prometheus_text, text);
    return text;
  }
  const Batch& batch() const { return batch_; }

 private:
  Catalog catalog_{{}, {}};
  Store store_{catalog_, {}};
  SourceId source_ = store_.add_source("process");
  Time now_ = time_at_ms(1'000'000);
  Batch batch_;
  std::unique_ptr<Collector> collector_;
};

inline Watch watch(const FakeProc& proc, std::vector<ProcessGroupConfig> groups, std::size_t max_kept_files = 256) {
  return Watch(std::move(groups),
               {.procfs = proc.root(), .max_kept_files = max_kept_files, .collector = {}, .own_pid = 77});
}

}  // namespace sidewatch
