// The context switches of a process, which the kernel counts per thread and forgets when a thread ends.
//
// They are followed thread by thread: the main one in every pass, the others in turn, each at least every five seconds,
// because a file per thread and second is most of what a watched process would cost.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "collectors/process/process_files.h"
#include "collectors/process/process_text.h"
#include "collectors/process/sample.h"

namespace sidewatch {

class ContextSwitches {
 public:
  static constexpr std::size_t max_threads = 128;  // whose context switches are counted, the oldest first
  static constexpr Duration thread_interval = std::chrono::seconds(5);  // between two looks at one of them

  // `status` is the main thread's, which has `threads` threads beside and including it. `counters` stay empty while
  // nothing can be said that the next pass would not contradict.
  void count(const StatusText& status, std::uint64_t threads, Time now, ProcessFiles& files, ReadBuffer& buffer,
             PassOutcome& outcome, ProcessCounters& counters);

 private:
  struct Switches {
    std::uint64_t voluntary = 0;
    std::uint64_t nonvoluntary = 0;
  };
  struct Thread {
    pid_t id = 0;
    Switches counted;
    bool listed = false;
    bool counts_from_birth = true;  // otherwise from its first reading on
  };
  static void count(Thread& thread, const StatusText& status, Switches& sum);

  void follow(const StatusText& status, bool anew, Time now, ProcessFiles& files, ReadBuffer& buffer);
  std::size_t threads_due(Time now);
  bool count_thread(Thread& thread, ProcessFiles& files, ReadBuffer& buffer);
  void note_thread(std::string_view entry);
  bool list_threads(ProcessFiles& files, ReadBuffer& buffer, PassOutcome& outcome);

  std::vector<Thread> threads_;  // empty until the process has a second one
  std::size_t threads_known_ = 0;
  std::size_t threads_listed_ = 0;
  bool cut_off_ = false;         // there are more than max_threads
  bool cut_off_before_ = false;  // so that one not met before may be old
  bool was_alone_ = false;       // the process had only its main thread
  bool followed_ = false;        // switches_ holds what the threads had done when they were first listed
  std::uint64_t threads_expected_ = 0;  // as many as there were when they were listed; 0: they have to be listed
  std::size_t next_thread_ = 0;         // whose turn it is
  std::optional<Time> threads_at_;      // up to when the turns are counted
  Switches switches_;                   // of all threads so far
};

}  // namespace sidewatch
