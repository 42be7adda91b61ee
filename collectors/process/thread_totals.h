// The threads of a group by their names: how many, what they consume, and where in the kernel they wait.
//
// A name is what the threads of several processes may share, so their counters are summed as those of processes are.
// A name that no thread has any more is not shown; what it had counted is kept until another name needs the room.
// Beyond max_names, threads are summed under "overflow" and counted.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "collectors/process/sample.h"
#include "metrics/catalog.h"
#include "metrics/labels.h"
#include "metrics/store.h"

namespace sidewatch {

class ThreadTotals {
 public:
  ThreadTotals(const std::string& group, std::size_t max_names, Catalog& catalog);

  void begin_pass();
  // `previous` are the thread's counters of the pass before, empty where there are none; they become the present ones.
  void add(std::string_view name, const ProcessCounters& present, bool counts_from_birth, ProcessCounters& previous);
  void wait_in(std::string_view kernel_function);
  void leave_out(std::size_t threads) { overflowing_ += threads; }  // more than a process is asked about
  void end_pass(Batch& batch);

  // How many threads had to be summed under "overflow" or left out; one that stays so is counted once.
  std::uint64_t overflowed() const { return overflowed_; }

 private:
  struct Waiting {
    std::uint64_t threads = 0;         // in this pass
    std::uint64_t threads_before = 0;  // in the one before
    SeriesHandle count;
  };
  struct Named : Waiting {
    CounterTotals totals;
    std::array<SeriesHandle, process_counter_count> counters;
  };
  static void begin_pass(Waiting& waiting);
  Named make_named(std::string_view name);
  Waiting make_waiting(std::string_view function);
  template <class Value, class Make>
  Value& find(std::map<std::string, Value, std::less<>>& by_name, std::string_view name, const Make& make);

  Catalog& catalog_;
  const Labels labels_;
  const std::size_t max_names_;
  std::map<std::string, Named, std::less<>> names_;
  std::map<std::string, Waiting, std::less<>> functions_;
  std::uint64_t overflowing_ = 0;  // in this pass
  std::uint64_t overflowing_before_ = 0;
  std::uint64_t overflowed_ = 0;
};

}  // namespace sidewatch
