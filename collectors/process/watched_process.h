// One member of a group, sampled through its files under /proc/PID.
//
// The directory and the files read in every pass stay open: reading them is four times cheaper than opening them, and
// an open directory can never come to mean another process that got the same PID. When the collector's budget of open
// files is used up, files are opened by PID at each read, and the start time says whether it is still the same process.
// The kernel counts context switches per thread and forgets a thread's when it ends, so they are followed thread by
// thread: the main one in every pass, the others in turn, each at least every five seconds, because a file per thread
// and second is most of what a watched process would cost. A process that is gone is normal; a file that may not be
// read is counted once per process and file.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "collectors/collector.h"
#include "collectors/proc_file.h"
#include "collectors/process/process_text.h"

namespace sidewatch {

enum ProcessCounter : std::size_t {
  user_ticks,
  system_ticks,
  minor_faults,
  major_faults,
  read_bytes,
  write_bytes,
  voluntary_switches,
  nonvoluntary_switches,
  process_counter_count
};
using ProcessCounters = std::array<std::optional<std::uint64_t>, process_counter_count>;  // empty: not readable

struct ProcessSample {
  char state = '?';
  std::uint64_t threads = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t swapped_bytes = 0;
  std::optional<std::uint64_t> open_files;
  std::optional<std::uint64_t> max_open_files;  // the soft limit
  ProcessCounters counters;
};

// How a directory's number of entries is found: Linux 6.2 and later say it as the size of /proc/PID/fd, without any
// permission; older kernels, and trees of plain files, must be listed.
enum class OpenFilesBy : std::uint8_t { size, listing };
OpenFilesBy find_open_files_by(const ProcDir& procfs);

class WatchedProcess {
 public:
  static constexpr std::size_t max_threads = 128;  // whose context switches are counted, the oldest first
  static constexpr Duration thread_interval = std::chrono::seconds(5);  // between two looks at one of them
  static constexpr std::size_t kept_files = 4;  // descriptors held with Keep::open: the directory and three files

  WatchedProcess(const ProcDir& procfs, pid_t pid, std::uint64_t start_ticks, ProcFile::Keep keep);

  // False when the process is gone, also when its PID is somebody else's by now.
  bool sample(Time now, OpenFilesBy open_files_by, ReadBuffer& buffer, PassOutcome& outcome, ProcessSample& out);

  bool keeps_files() const { return kept_.has_value(); }

 private:
  enum File : std::size_t {
    stat_file, status_file, io_file, limits_file, fd_directory, task_directory, file_count
  };
  struct Kept {
    Kept(const ProcDir& procfs, const std::string& pid);
    ProcDir directory;
    std::array<ProcFile, 3> files;
  };

  struct Switches {
    std::uint64_t voluntary = 0;
    std::uint64_t nonvoluntary = 0;
  };
  struct Thread {
    pid_t id = 0;
    Switches counted;
    bool listed = false;
  };
  static void count(Thread& thread, const StatusText& status, Switches& sum);

  FileText read(File file, ReadBuffer& buffer);
  bool readable(File file, int error_number, PassOutcome& outcome);
  void count_switches(const StatusText& status, std::uint64_t threads, Time now, ReadBuffer& buffer,
                      PassOutcome& outcome, ProcessCounters& counters);
  std::size_t threads_due(Time now);
  bool count_thread(Thread& thread, ReadBuffer& buffer);
  void note_thread(std::string_view entry);
  bool list_threads(ReadBuffer& buffer, PassOutcome& outcome);
  void read_limit(ReadBuffer& buffer, PassOutcome& outcome);
  std::optional<std::uint64_t> count_open_files(OpenFilesBy by, ReadBuffer& buffer, PassOutcome& outcome);

  const ProcDir& procfs_;
  const pid_t id_;
  const std::string pid_;
  const std::string fd_path_;
  const std::uint64_t start_ticks_;
  std::optional<Kept> kept_;
  std::optional<std::uint64_t> max_open_files_;
  unsigned passes_to_limit_ = 0;
  std::array<bool, file_count> reported_{};
  std::vector<Thread> threads_;  // empty until the process has a second one
  std::size_t threads_known_ = 0;
  std::size_t threads_listed_ = 0;
  std::uint64_t threads_expected_ = 0;  // as many as there were when they were listed; 0: they have to be listed
  std::size_t next_thread_ = 0;         // whose turn it is
  std::optional<Time> threads_at_;      // up to when the turns are counted
  std::string thread_path_;      // scratch
  Switches switches_;            // of all threads so far
};

}  // namespace sidewatch
