// How many processes of a target the kernel killed for want of memory, over all the cgroups that it has had.
//
// The kill that matters most ends the whole container, and its cgroup is gone before anybody can read the count. But on
// cgroup v2 the cgroup above counts it too and stays (a pod's, system.slice): what that one counted between the last
// pass that saw the target and the one that misses it is taken for the target's. Another container below the same
// cgroup that is killed within those seconds is taken for it as well. Where nothing above can be seen (in a sidecar, on
// v1) such a kill stays unknown.
#pragma once

#include <optional>

#include "collectors/container/cgroup_files.h"
#include "metrics/catalog.h"
#include "metrics/labels.h"

namespace sidewatch::container {

class OomKills {
 public:
  OomKills(Catalog& catalog, const Labels& labels);

  // The target has a cgroup, whose memory is counted in `levels` (null: it is not). Counted from its first reading on.
  void watch(const Levels* levels);
  // In every pass before the cgroup's own files are read, so that no kill falls between the two unseen.
  void look_above(PassContext& pass);
  // The target is another one's or gone: its last kills are counted while `levels` can still be used.
  void lose(PassContext& pass);
  // Adds the sum, when there was ever anything to count. `own` is what the cgroup says now.
  void add(PassContext& pass, MaybeNumber own);

 private:
  void count(MaybeNumber before, MaybeNumber now);
  const SeriesHandle series_;
  const Levels* levels_ = nullptr;
  std::optional<ProcFile> file_above_;
  MaybeNumber own_;    // as of the pass before
  MaybeNumber above_;
  std::optional<double> sum_;
};

}  // namespace sidewatch::container
