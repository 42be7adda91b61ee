// Calls into the kernel that may never return (statfs on a mount whose server is dead), without waiting for ever.
//
// The one idea: an errand runs on a thread of the runner's own, and whoever sends it waits only as long as it wants to.
// A thread that is late is left behind with its errand and ends when that returns; the next errand gets another. So an
// errand must own all that it touches: nobody knows when it ends. How many threads may be left behind is bounded.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>

#include "base/time.h"

namespace sidewatch {

// Made once and sent again and again, but never while it is still under way.
struct Errand {
  explicit Errand(std::function<void()> what) : run(std::move(what)) {}
  const std::function<void()> run;
  std::atomic<bool> under_way{false};
};

// Used by one thread. Starts none before the first errand.
class ErrandRunner {
 public:
  enum class Outcome {
    done,
    late,       // still under way; `under_way` falls when it ends after all
    no_thread,  // not begun: the machine has no thread for it, or too many were left behind
  };

  explicit ErrandRunner(std::size_t most_left_behind = 64);
  ~ErrandRunner();
  ErrandRunner(const ErrandRunner&) = delete;
  ErrandRunner& operator=(const ErrandRunner&) = delete;

  Outcome send(const std::shared_ptr<Errand>& errand, Duration patience);

  std::size_t left_behind() const { return *left_behind_; }  // threads that have not come back yet

 private:
  struct Worker;
  bool hire();

  const std::size_t most_left_behind_;
  std::shared_ptr<std::atomic<std::size_t>> left_behind_;
  std::shared_ptr<Worker> worker_;
};

// Threads of all runners of the process that were left behind and have not come back. They may use what the end of main()
// takes apart (objects of static lifetime): a process that has any should end by _Exit.
std::size_t errands_left_behind();

}  // namespace sidewatch
