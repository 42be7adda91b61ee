// All groups of a collector: those with a fixed name exist from the beginning, those that a template names as processes
// are found.
//
// A group that a template made and that has no process any more is kept for `forget_after`, so that a restart is seen
// as one, and given up earlier when its entry needs the room. Beyond an entry's max_groups its processes share the
// group "overflow", and every one that had to is counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "collectors/process/config.h"
#include "collectors/process/description.h"
#include "collectors/process/group.h"
#include "collectors/process/group_name.h"
#include "metrics/catalog.h"
#include "metrics/labels.h"
#include "metrics/store.h"

namespace sidewatch {

class ProcessGroups {
 public:
  // `labels` of what is told of them all.
  ProcessGroups(const std::vector<ProcessGroupConfig>& configs, const Labels& labels, Catalog& catalog);

  // The number of the group that a process selected by this entry belongs to. `present` is the one it is in, if any.
  // Until the end of the pass it is not given up.
  std::size_t group_of(std::size_t entry, const ProcessDescription& process, std::optional<std::size_t> present);

  void join(std::size_t group) { ++slots_[group].members; }
  void leave(std::size_t group) { --slots_[group].members; }
  ProcessGroup& operator[](std::size_t group) { return *slots_[group].group; }

  void set_boot_time(std::uint64_t seconds) { boot_time_seconds_ = seconds; }
  // When a process started, in seconds since 1970.
  std::optional<double> start_time(std::uint64_t start_ticks) const;

  void begin_pass();
  void end_pass(Time now, Batch& batch);

 private:
  struct Slot {
    std::optional<ProcessGroup> group;  // empty: a place to be used again
    std::string name;
    std::size_t entry = 0;  // that made it
    std::size_t members = 0;
    std::optional<Time> empty_since;  // at the end of a pass
    bool stays = false;
  };
  std::size_t make(std::size_t entry, std::string name, bool stays);
  bool make_room(std::size_t entry);
  void forget(std::size_t group);

  const std::vector<ProcessGroupConfig>& configs_;
  Catalog& catalog_;
  std::vector<GroupName> names_;        // by entry
  std::vector<std::size_t> made_;       // groups that templates made, by entry
  std::vector<Slot> slots_;
  std::map<std::string, std::size_t, std::less<>> by_name_;
  std::optional<std::uint64_t> boot_time_seconds_;
  std::uint64_t processes_refused_ = 0;
  std::uint64_t threads_refused_by_forgotten_ = 0;  // groups
  SeriesHandle processes_refused_series_;
  SeriesHandle threads_refused_series_;
};

std::span<const Metric> process_limit_metrics();

}  // namespace sidewatch
