// The files of one process under /proc/PID.
//
// The directory and the files read in every pass stay open: reading them is four times cheaper than opening them, and
// an open directory can never come to mean another process that got the same PID. When the collector's budget of open
// files is used up, or the directory cannot be opened, files are opened by PID at each read. A file that may not be read is counted once per process, and
// told in words once for all processes: on a machine of other users' processes it would be one line for each.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "collectors/collector.h"
#include "collectors/proc_file.h"

namespace sidewatch {

class ProcessFiles {
 public:
  static constexpr std::size_t kept_files = 4;  // descriptors held with Keep::open: the directory and three files

  enum File : std::size_t { stat, status, io, limits, oom_score, smaps_rollup, fd, task, file_count };
  enum ThreadFile : std::size_t { thread_stat, thread_status, thread_io, thread_wchan, thread_file_count };

  // Which files were told of, by all processes of a collector.
  struct Told {
    std::array<bool, file_count> files{};
    std::array<bool, thread_file_count> thread_files{};
  };

  // `procfs` and `told` must outlive it.
  ProcessFiles(const ProcDir& procfs, pid_t pid, ProcFile::Keep keep, Told& told);

  FileText read(File file, ReadBuffer& buffer);
  FileText read(pid_t thread, ThreadFile file, ReadBuffer& buffer);
  int list(File directory, ReadBuffer& buffer, const std::function<void(std::string_view)>& visit);

  // False when it could not be read; counts it in `outcome`, unless the process is gone or it was counted before.
  bool readable(File file, int error_number, PassOutcome& outcome);
  bool readable(ThreadFile file, int error_number, PassOutcome& outcome);

  pid_t pid() const { return id_; }
  const std::string& fd_path() const { return fd_path_; }
  bool keeps_files() const { return kept_.has_value(); }

 private:
  struct Kept {
    Kept(const ProcDir& procfs, const std::string& pid);
    ProcDir directory;
    std::array<ProcFile, 3> files;
  };
  void tell(bool& told, const char* directory, const char* name, int error_number, PassOutcome& outcome);

  const ProcDir& procfs_;
  const pid_t id_;
  const std::string pid_;
  const std::string fd_path_;
  std::optional<Kept> kept_;
  Told& told_;
  Told counted_;
  std::string path_;  // scratch
};

}  // namespace sidewatch
