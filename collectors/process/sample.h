// What a pass finds out about one process, and the counters of a process or a thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

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
  std::optional<std::uint64_t> proportional_resident_bytes;  // where asked for
  std::optional<std::uint64_t> proportional_swapped_bytes;
  std::optional<std::uint64_t> open_files;
  std::optional<std::uint64_t> max_open_files;     // the soft limits; the largest number is no limit
  std::optional<std::uint64_t> max_address_space;
  std::optional<std::uint64_t> oom_score;
  ProcessCounters counters;
};

// What several processes or threads consumed: grows by what each consumed since the pass before, and never shrinks.
struct CounterTotals {
  std::array<std::uint64_t, process_counter_count> sums{};
  std::array<bool, process_counter_count> known{};  // in this pass

  // `previous` are those of the pass before, empty where there are none; they become the present ones.
  void add(const ProcessCounters& present, bool counts_from_birth, ProcessCounters& previous) {
    for (std::size_t i = 0; i < process_counter_count; ++i) {
      if (!present[i]) continue;
      known[i] = true;
      const std::uint64_t before = previous[i].value_or(counts_from_birth ? 0 : *present[i]);
      if (*present[i] > before) sums[i] += *present[i] - before;
      previous[i] = *present[i] > before ? *present[i] : before;
    }
  }

  // As it is exposed: seconds for the ticks.
  double value(std::size_t counter) const;
};

}  // namespace sidewatch
