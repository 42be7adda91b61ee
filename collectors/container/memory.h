// Memory of a cgroup, its limits, and what the kernel did about them: read from cgroup v2 or v1, exposed alike.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <variant>

#include "collectors/container/cgroup_files.h"
#include "collectors/container/metrics.h"
#include "metrics/catalog.h"

namespace sidewatch::container {

enum MemoryEvent : std::size_t { event_low, event_high, event_max, event_oom, event_oom_kill, event_oom_group_kill,
                                 memory_event_count };
enum FaultSeries : std::size_t { own_faults, own_major_faults, all_faults, all_major_faults, fault_series_count };

// What one pass finds. Empty: this kernel does not tell, or it could not be read.
struct MemoryReading {
  std::array<MaybeNumber, kMemoryMetrics.size()> values;  // of the metrics without further labels
  std::array<MaybeNumber, fault_series_count> faults;
  std::array<MaybeNumber, memory_event_count> events;
  Limit limit;                       // in force
  Limit swap_limit;                  // in force; on v1 of memory and swap together
  MaybeNumber working_set_at_limit;  // of the cgroup that the limit stands at, which may be one above
  std::size_t level_of_limit = 0;    // which one: an index into Levels::all()
  std::size_t own_level = 0;         // of the target's cgroup
};

MaybeNumber working_set(std::optional<std::uint64_t> usage, std::optional<std::uint64_t> inactive);

// Of another cgroup than the target's: the content of the file of its usage less what memory.stat has under the key.
struct WorkingSetFiles {
  const char* usage;
  std::string_view inactive_key;
};
MaybeNumber read_working_set(const ProcDir& cgroup, const WorkingSetFiles& files, ReadBuffer& buffer);

class MemoryV2 {
 public:
  explicit MemoryV2(const Levels& levels);
  void read(PassContext& pass, MemoryReading& out);

 private:
  void read_reservation(PassContext& pass, MemoryReading& out);
  const Levels& levels_;
  NumberFile current_;
  NumberFile peak_;
  NumberFile swap_;
  ProcFile low_;
  ProcFile stat_;
  ProcFile events_;
  LimitChain max_;
  LimitChain high_;
  LimitChain swap_max_;
};

class MemoryV1 {
 public:
  explicit MemoryV1(const Levels& levels);
  void read(PassContext& pass, MemoryReading& out);

 private:
  const Levels& levels_;
  NumberFile usage_;
  NumberFile max_usage_;
  NumberFile failcnt_;
  NumberFile kernel_;
  ProcFile stat_;
  ProcFile oom_;
  LimitChain limit_;
  LimitChain swap_limit_;
  ProcFile reservation_;
};

class MemoryPart {
 public:
  MemoryPart(Catalog& catalog, const Labels& labels, const Levels& levels);
  // Adds what it reads but the limit in force, which the target may know better. Valid until the next call.
  const MemoryReading& sample(PassContext& pass);

 private:
  std::variant<MemoryV2, MemoryV1> reader_;
  MemoryReading reading_;
  std::array<SeriesHandle, kMemoryMetrics.size()> series_;
  std::array<SeriesHandle, fault_series_count> faults_;
  std::array<SeriesHandle, memory_event_count> events_;
};

}  // namespace sidewatch::container
