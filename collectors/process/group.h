// What the members of one group amount to: sums, counters that never go backwards, and its series.
//
// Counters grow by what each member consumed since the pass before, so that a member that ends takes nothing away. Of
// a process that was already running when the collector first looked, only what it consumes from then on counts; of one
// born later, everything does (both as process-exporter does it).
//
// A restart is a process that joins in place of one that ended: members which no other member started ("leaders") are
// counted when they end, and a leader born later makes up for one of them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "collectors/process/config.h"
#include "collectors/process/sample.h"
#include "collectors/process/service_metrics.h"
#include "collectors/process/thread_totals.h"
#include "metrics/catalog.h"
#include "metrics/labels.h"
#include "metrics/store.h"

namespace sidewatch {

// What is known about a member beside its sample.
struct MemberFacts {
  std::optional<double> start_seconds;  // since 1970
  bool counts_from_birth = false;
  bool leads = false;
};

class ProcessGroup {
 public:
  // `details` of the entry that made it.
  ProcessGroup(const std::string& name, const ProcessDetails& details, Catalog& catalog);

  void leader_ended() { ++leaders_missing_; }
  void leader_joined(bool just_born);

  void begin_pass();
  // `previous` are the member's counters of the pass before, empty where there are none; they become the present ones.
  void add(const ProcessSample& sample, const MemberFacts& facts, ProcessCounters& previous);
  ThreadTotals& threads() { return threads_; }
  std::uint64_t processes() const { return present_.processes; }  // in this pass so far
  void end_pass(Batch& batch);

 private:
  enum State : std::size_t { running, sleeping, waiting, zombie, other, state_count };
  static State state_of(char letter);
  void add_limits(const ProcessSample& sample);
  void emit_where_known(Batch& batch);
  void emit_proportional(Batch& batch);

  struct Present {
    std::uint64_t processes = 0;
    std::uint64_t threads = 0;
    std::uint64_t resident_bytes = 0;
    std::uint64_t virtual_bytes = 0;
    std::uint64_t swapped_bytes = 0;
    std::optional<std::uint64_t> proportional_resident_bytes;
    std::optional<std::uint64_t> proportional_swapped_bytes;
    std::optional<std::uint64_t> open_files;
    std::optional<std::uint64_t> max_open_files;     // the smallest
    std::optional<std::uint64_t> max_address_space;  // the smallest
    std::optional<std::uint64_t> oom_score;          // the highest
    double worst_ratio = 0;
    std::optional<double> oldest_start_seconds;
    std::array<std::uint64_t, state_count> states{};
  };
  Present present_;
  CounterTotals totals_;
  ThreadTotals threads_;
  std::optional<ServiceMetrics> service_;

  std::uint64_t leaders_missing_ = 0;
  std::uint64_t leaders_born_ = 0;  // in this pass
  std::uint64_t restarts_ = 0;

  Catalog& catalog_;
  const Labels labels_;
  struct Series {
    SeriesHandle processes, threads, resident, virtual_memory, swapped, proportional_resident, proportional_swapped,
        open_files, max_open_files, worst_ratio, max_address_space, oom_score, oldest_start, restarts;
    std::array<SeriesHandle, state_count> states;
    std::array<SeriesHandle, process_counter_count> counters;
  };
  Series series_;
};

}  // namespace sidewatch
