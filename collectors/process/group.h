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
#include <span>
#include <string>

#include "collectors/process/watched_process.h"
#include "metrics/catalog.h"
#include "metrics/store.h"

namespace sidewatch {

class ProcessGroup {
 public:
  ProcessGroup(const std::string& name, Catalog& catalog);

  void leader_ended() { ++leaders_missing_; }
  void leader_joined(bool just_born);

  void begin_pass();
  // `previous` are the member's counters of the pass before, empty where there are none; they become the present ones.
  void add(const ProcessSample& sample, std::optional<double> start_time_seconds, bool counts_from_birth,
           ProcessCounters& previous);
  std::uint64_t processes() const { return present_.processes; }  // in this pass so far
  void end_pass(Batch& batch);

 private:
  enum State : std::size_t { running, sleeping, waiting, zombie, other, state_count };
  static State state_of(char letter);
  void emit_counters(Batch& batch);

  struct Present {
    std::uint64_t processes = 0;
    std::uint64_t threads = 0;
    std::uint64_t resident_bytes = 0;
    std::uint64_t virtual_bytes = 0;
    std::uint64_t swapped_bytes = 0;
    std::optional<std::uint64_t> open_files;
    std::optional<std::uint64_t> max_open_files;  // the smallest
    double worst_ratio = 0;
    std::optional<double> oldest_start_seconds;
    std::array<std::uint64_t, state_count> states{};
    std::array<bool, process_counter_count> known{};
  };
  Present present_;
  std::array<std::uint64_t, process_counter_count> totals_{};

  std::uint64_t leaders_missing_ = 0;
  std::uint64_t leaders_born_ = 0;  // in this pass
  std::uint64_t restarts_ = 0;

  struct Series {
    SeriesHandle processes, threads, resident, virtual_memory, swapped, open_files, max_open_files, worst_ratio,
        oldest_start, restarts;
    std::array<SeriesHandle, state_count> states;
    std::array<SeriesHandle, process_counter_count> counters;
  };
  Series series_;
};

std::span<const Metric> process_group_metrics();

}  // namespace sidewatch
