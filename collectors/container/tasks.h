// The processes and threads of a cgroup, how many it may have, since when it runs, and the files that its processes
// have open.
//
// The kernel lists a cgroup's processes by the PIDs of the reader's PID namespace, and as 0 those that it does not have
// there. So they can be counted always, but looked into only when they are in the agent's namespace and `procfs` is
// that namespace's.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <optional>
#include <vector>

#include "collectors/container/cgroup_files.h"
#include "collectors/container/metrics.h"
#include "collectors/process/watched_process.h"
#include "metrics/catalog.h"

namespace sidewatch::container {

// Where processes are looked into.
struct Processes {
  const ProcDir& procfs;
  bool own_namespace = false;  // the PIDs in a cgroup's list are those of `procfs`
  OpenFilesBy open_files_by = OpenFilesBy::listing;
};

struct TaskReading {
  Limit limit;
  MaybeNumber threads_at_limit;  // in the cgroup that the limit stands at, which may be one above
  MaybeNumber files_of_limit;  // of the process that is nearest to its soft limit on open files, 0 to 1
};

class TaskPart {
 public:
  static constexpr std::size_t max_processes = 256;  // whose open files are counted; of more, none are
  static constexpr Duration limits_interval = std::chrono::minutes(1);  // between two looks at ulimits

  // `pids` may be null; the processes are those that `any` lists.
  TaskPart(Catalog& catalog, const Labels& labels, const Levels* pids, const Levels& any, const Processes& processes);
  TaskReading sample(PassContext& pass);

 private:
  struct Process {
    pid_t pid = 0;
    std::optional<std::uint64_t> max_files;
  };
  void add_threads(PassContext& pass, TaskReading& reading);
  MaybeNumber threads_above(PassContext& pass, std::size_t level) const;
  void list(PassContext& pass);
  void note(pid_t pid, std::size_t index);
  void add_files(PassContext& pass, TaskReading& reading);
  void read_limits(PassContext& pass);
  std::optional<std::uint64_t> count_files(pid_t pid, PassContext& pass);
  void find_start(PassContext& pass);

  const Processes& host_;
  const Levels* pids_;
  const ProcDir& directory_;
  std::array<SeriesHandle, kTaskMetrics.size()> series_;
  std::optional<NumberFile> threads_;
  std::optional<LimitChain> threads_max_;
  std::optional<ProcFile> events_;
  ProcFile procs_;
  std::vector<Process> listed_;
  bool changed_ = true;   // other processes than in the last pass
  bool complete_ = false;  // all of them are listed, under PIDs that can be looked up
  std::optional<Time> limits_at_;
  std::optional<double> start_seconds_;
  bool files_reported_ = false;
};

}  // namespace sidewatch::container
