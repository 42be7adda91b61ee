// The threads of one process one by one, for a group that asks for them: three small files per thread and pass, and one
// more for where in the kernel it waits.
//
// A process with a single thread is not told of by thread, as process-exporter does it. A thread is identified by its
// number and its start time.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "collectors/process/process_files.h"
#include "collectors/process/sample.h"
#include "collectors/process/thread_totals.h"

namespace sidewatch {

class ThreadSampler {
 public:
  static constexpr std::size_t max_threads = 1024;  // of a process, the oldest first; the others are counted only

  enum class Counters { off, on };
  enum class Wchan { off, on };
  ThreadSampler(Counters counters, Wchan wchan, bool counts_from_birth)
      : counters_(counters), wchan_(wchan), counts_from_birth_(counts_from_birth) {}

  // Of a process that has `threads` threads.
  void sample(std::uint64_t threads, ProcessFiles& files, ReadBuffer& buffer, PassOutcome& outcome,
              ThreadTotals& totals);

 private:
  struct Thread {
    pid_t id = 0;
    std::uint64_t start_ticks = 0;  // 0: not read yet
    ProcessCounters previous;
    bool listed = true;
    bool counts_from_birth = false;
  };
  bool list(ProcessFiles& files, ReadBuffer& buffer, PassOutcome& outcome);
  void note(std::string_view entry);
  void count(Thread& thread, ProcessFiles& files, ReadBuffer& buffer, PassOutcome& outcome, ThreadTotals& totals);

  const Counters counters_;
  const Wchan wchan_;
  bool counts_from_birth_;   // of the threads that are met next
  bool had_several_ = false;
  std::vector<Thread> threads_;  // by id
  std::size_t known_ = 0;        // of them, while they are listed
  std::size_t listed_ = 0;
  std::size_t left_out_ = 0;
  bool cut_off_before_ = false;  // some were left out, so that one not met before may be old
};

}  // namespace sidewatch
