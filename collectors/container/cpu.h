// CPU time of a cgroup, its quota and what the quota cost it: read from cgroup v2 or v1, exposed alike.
#pragma once

#include <array>
#include <optional>

#include "collectors/container/cgroup_files.h"
#include "collectors/container/metrics.h"
#include "metrics/catalog.h"

namespace sidewatch::container {

// What a quota is compared with.
struct CpuUse {
  MaybeNumber used_seconds;
  MaybeNumber periods;
  MaybeNumber throttled_periods;
  std::size_t level = 0;  // of whose cgroup it is: an index into Levels::all()
};

// What one pass finds. Empty: this kernel does not tell, or it could not be read.
struct CpuReading {
  std::array<MaybeNumber, kCpuMetrics.size()> values;  // but quota and period
  Quota quota;                                         // in force
  CpuUse at_quota;  // of the cgroup that the quota stands at, which may be one above
  CpuUse own;       // the same of the target's cgroup
};

class CpuPart {
 public:
  // On v1 the time used may be kept by another hierarchy than the quota; on v2 both are the same. Either may be null.
  CpuPart(Catalog& catalog, const Labels& labels, const Levels* quota, const Levels* usage);
  // Adds what it reads but the quota in force, which the target may know better. Valid until the next call.
  const CpuReading& sample(PassContext& pass);

 private:
  void read_stat(PassContext& pass);
  void read_v1_usage(PassContext& pass);
  void read_weight(PassContext& pass);
  void compare_at_the_level_of_the_quota(PassContext& pass);

  const Levels* levels_;
  const Levels* usage_levels_;
  std::array<SeriesHandle, kCpuMetrics.size()> series_;
  CpuReading reading_;
  std::optional<ProcFile> stat_;
  std::optional<NumberFile> weight_;
  std::optional<QuotaChain> quota_;
  std::optional<NumberFile> v1_usage_;
  std::optional<ProcFile> v1_stat_;
};

}  // namespace sidewatch::container
