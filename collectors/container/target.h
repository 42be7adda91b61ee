// One container: found, sampled, lost and found again.
//
// The cgroup is looked for whenever it is not there: at the start, when its files are gone, when the process that it is
// recognised by has ended or has moved to another one. While it is there, a pass costs one look whether that is still
// so and the reading of its files; nothing is allocated. While it is not there, its series are stale and
// sidewatch_target_up is 0.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "collectors/container/cpu.h"
#include "collectors/container/derived.h"
#include "collectors/container/finder.h"
#include "collectors/container/io.h"
#include "collectors/container/memory.h"
#include "collectors/container/network.h"
#include "collectors/container/oom_kills.h"
#include "collectors/container/pressure.h"
#include "collectors/container/tasks.h"

namespace sidewatch::container {

class Target {
 public:
  // `match` is the number of its process among the finder's.
  Target(const TargetConfig& config, std::size_t match, const Surroundings& around, const Processes& processes,
         Catalog& catalog);
  ~Target();
  void sample(PassContext& pass, ProcessFinder& processes);

  // How long a process whose cgroup cannot be seen is left alone: looking costs much more than a pass.
  static constexpr Duration retry_interval = std::chrono::seconds(10);

 private:
  enum Resource : std::size_t { memory_resource, swap_resource, cpu_resource, pids_resource, resource_count };
  static constexpr std::array<const char*, resource_count> kResources{"memory", "swap", "cpu", "pids"};

  // The parts of a cgroup that was found, and how it is noticed that it is another one.
  struct Watched;
  // What is said of a limit: each combination has its own series, made when it first occurs.
  struct LimitSeries {
    std::array<SeriesHandle, 4> source;
    std::array<SeriesHandle, 3> state;
  };

  // What cannot be read is not gone: a threaded cgroup does not list its processes, and descriptors may run out.
  bool is_still_there(PassContext& pass);
  void look_for_it(PassContext& pass, ProcessFinder& processes);
  void watch(FoundCgroup found, std::optional<ProcessFinder::Found> process);
  void sample_parts(PassContext& pass);
  void add_memory_limit(PassContext& pass, const MemoryReading& reading);
  void add_cpu_quota(PassContext& pass, const CpuReading& reading);
  void tell(PassContext& pass, Resource resource, LimitState state, LimitSource source);
  void tell_as_the_cgroup_says(PassContext& pass, Resource resource, LimitState state);
  void make_limit_series(const std::string& id);

  const TargetConfig config_;
  const std::size_t match_;
  const Surroundings& around_;
  const Processes& processes_;
  Catalog& catalog_;
  const Labels labels_;       // of the derived series
  const Labels name_labels_;  // of what is said about the target
  SeriesHandle up_;
  std::array<LimitSeries, resource_count> limit_series_;
  SeriesHandle memory_limit_;
  SeriesHandle cpu_quota_;
  SeriesHandle cpu_period_;
  DerivedPart derived_;
  OomKills oom_kills_;
  std::unique_ptr<Watched> watched_;
  struct Unseen {
    pid_t pid = 0;
    std::uint64_t start_ticks = 0;
    Time again_at;
  };
  std::optional<FoundCgroup> find_by_process(PassContext& pass, const ProcessFinder::Found& process, std::string& why);
  std::optional<Unseen> unseen_;  // the process whose cgroup was not seen
  std::string reported_;          // why it was not found, counted once
};

}  // namespace sidewatch::container
