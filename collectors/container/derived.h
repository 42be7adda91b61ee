// What alerts want to know: usage as a share of the limit in force, and when memory will reach it.
//
// Shares of time (CPU used of the quota, throttled periods) are of the time between two passes, so the first pass of a
// cgroup has none. What has no limit has no share: the series are absent rather than 0. When the limit in force moves
// to a cgroup above or back, the usage is another cgroup's from then on and is not compared with what was seen before.
// OOM kills, which are counted over all cgroups of a target, stand in oom_kills.h.
#pragma once

#include <array>
#include <optional>

#include "collectors/container/cpu.h"
#include "collectors/container/memory.h"
#include "collectors/container/metrics.h"
#include "collectors/container/tasks.h"
#include "collectors/container/trend.h"

namespace sidewatch::container {

class DerivedPart {
 public:
  DerivedPart(Catalog& catalog, const Labels& labels);

  // `level` says whose working set it is: of the target's cgroup or of one above.
  void add_memory(PassContext& pass, Limit limit, MaybeNumber working_set, std::size_t level);
  void add_cpu(PassContext& pass, Quota quota, const CpuUse& use);
  void add_tasks(PassContext& pass, const TaskReading& reading);

  // The target has another cgroup: what came before says nothing about it.
  void forget();

 private:
  struct Before {
    Time time;
    CpuUse use;
  };
  std::array<SeriesHandle, kDerivedMetrics.size()> series_;
  std::optional<Before> before_;
  Trend memory_trend_;
  std::size_t memory_level_ = 0;  // that the trend is of
};

}  // namespace sidewatch::container
