// The processes that targets are recognised by: the process collector's selection, asked only while somebody is looked
// for.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "collectors/proc_file.h"
#include "collectors/process/process_table.h"

namespace sidewatch::container {

class ProcessFinder {
 public:
  // `procfs` must outlive it. `matches` are numbered from 0.
  ProcessFinder(std::vector<ProcessMatch> matches, const ProcDir& procfs, pid_t own_pid);

  struct Found {
    pid_t pid = 0;
    std::uint64_t start_ticks = 0;
  };
  // The oldest process that matches by itself. Looks at /proc at most once for equal times.
  std::optional<Found> find(std::size_t match, Time now, PassOutcome& outcome);

 private:
  void refresh(Time now, PassOutcome& outcome);
  const std::vector<ProcessGroupConfig> groups_;
  ProcessTable table_;
  std::vector<Membership> members_;
  std::vector<Membership> left_;
  std::vector<Membership> joined_;
  std::optional<Time> refreshed_at_;
};

}  // namespace sidewatch::container
