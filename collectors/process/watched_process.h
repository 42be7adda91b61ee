// One member of a group, sampled through its files under /proc/PID.
//
// The start time says whether it is still the same process. What costs more than reading a small file is read only
// where it is asked for (threads, proportional memory) or less often than once a pass (the OOM score, which follows the
// memory in use, and the limits, which hardly ever change). A process that is gone is normal.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "collectors/collector.h"
#include "collectors/proc_file.h"
#include "collectors/process/config.h"
#include "collectors/process/context_switches.h"
#include "collectors/process/process_files.h"
#include "collectors/process/sample.h"
#include "collectors/process/thread_sampler.h"

namespace sidewatch {

// How a directory's number of entries is found: Linux 6.2 and later say it as the size of /proc/PID/fd, without any
// permission; older kernels, and trees of plain files, must be listed.
enum class OpenFilesBy : std::uint8_t { size, listing };
OpenFilesBy find_open_files_by(const ProcDir& procfs);

class WatchedProcess {
 public:
  struct Identity {
    pid_t pid = 0;
    std::uint64_t start_ticks = 0;
    bool counts_from_birth = false;
  };
  // `procfs` and `told` must outlive it.
  WatchedProcess(const ProcDir& procfs, const Identity& identity, const ProcessDetails& details, ProcFile::Keep keep,
                 ProcessFiles::Told& told);

  // Gone is also a process whose PID is somebody else's by now.
  enum class Sampled { yes, gone, unreadable };
  Sampled sample(Time now, OpenFilesBy open_files_by, ReadBuffer& buffer, PassOutcome& outcome, ProcessSample& out);
  // Its threads, when they are asked for; after sample().
  void sample_threads(const ProcessSample& sampled, ReadBuffer& buffer, PassOutcome& outcome, ThreadTotals& totals);

  bool keeps_files() const { return files_.keeps_files(); }

 private:
  void read_status(std::uint64_t threads, Time now, ReadBuffer& buffer, PassOutcome& outcome, ProcessSample& out);
  void read_limits(Time now, ReadBuffer& buffer, PassOutcome& outcome);
  void read_oom_score(Time now, ReadBuffer& buffer, PassOutcome& outcome);
  void read_proportional_memory(Time now, ReadBuffer& buffer, PassOutcome& outcome);
  std::optional<std::uint64_t> count_open_files(OpenFilesBy by, ReadBuffer& buffer, PassOutcome& outcome);

  ProcessFiles files_;
  const std::uint64_t start_ticks_;
  ContextSwitches switches_;
  std::optional<ThreadSampler> threads_;

  // What is not read in every pass, as it was read last.
  ProcessSample kept_;
  std::optional<Time> limits_at_;
  std::optional<Time> oom_score_at_;
  std::optional<Duration> proportional_memory_every_;
  std::optional<Time> proportional_memory_at_;
};

}  // namespace sidewatch
