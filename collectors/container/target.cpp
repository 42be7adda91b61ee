#include "collectors/container/target.h"

#include <cmath>
#include <utility>

#include "collectors/process/selector.h"

namespace sidewatch::container {
namespace {

constexpr std::array<const char*, 4> kSourceNames{"cgroup", "process_root", "configured", "unknown"};
constexpr std::array<const char*, 3> kStateNames{"unknown", "unlimited", "limited"};
constexpr std::uint64_t kUsualPeriod_us = 100'000;

Labels labels_of(const TargetConfig& config) {
  std::vector<Label> labels;
  for (const auto& [name, value] : config.labels) labels.push_back({name, value});
  return Labels(std::move(labels)).or_else({{"name", config.name.value}, {"container", config.name.value}});
}

Quota quota_of(Limit cores) {
  if (cores.state != LimitState::limited) return {};
  const double quota_us = std::max(1.0, std::round(cores.value * static_cast<double>(kUsualPeriod_us)));
  return {LimitState::limited, static_cast<std::uint64_t>(quota_us), kUsualPeriod_us};
}

// Of what the cgroup says and what the configuration knows: which holds.
template <class Bound>
struct InForce {
  Bound bound;
  LimitSource source;
};
template <class Bound, class Amount>
InForce<Bound> in_force(Bound cgroup, LimitSource source, Bound known, Amount&& amount) {
  if (cgroup.state == LimitState::unknown) source = LimitSource::unknown;
  if (known.state != LimitState::limited) return {cgroup, source};
  const bool smaller = cgroup.state != LimitState::limited || amount(known) < amount(cgroup);
  return smaller ? InForce<Bound>{known, LimitSource::configured} : InForce<Bound>{cgroup, source};
}

}  // namespace

struct Target::Watched {
  Watched(FoundCgroup found, std::optional<ProcessFinder::Found> member, const Surroundings& around, bool own)
      : cgroup(std::move(found)), listing(cgroup.any->own(), "cgroup.procs", ProcFile::Keep::closed) {
    if (member) process.emplace(around.procfs, std::to_string(member->pid));
    if (own) process.emplace(around.procfs, around.own);
    if (process) membership.emplace(*process, "cgroup");
  }

  FoundCgroup cgroup;
  ProcFile listing;  // gone when the cgroup is
  std::optional<ProcDir> process;
  std::optional<ProcFile> membership;  // gone when the process is
  std::optional<MemoryPart> memory;
  std::optional<CpuPart> cpu;
  std::optional<IoPart> io;
  std::optional<TaskPart> tasks;
  std::optional<PressurePart> pressure;
  std::optional<NetworkPart> network;
};

Target::Target(const TargetConfig& config, std::size_t match, const Surroundings& around, const Processes& processes,
               Catalog& catalog)
    : config_(config),
      match_(match),
      around_(around),
      processes_(processes),
      catalog_(catalog),
      labels_(labels_of(config)),
      name_labels_({{"name", config.name.value}}),
      derived_(catalog, labels_),
      oom_kills_(catalog, labels_) {
  const bool looked_for = config_.own || config_.process || !config_.cgroup.empty();
  if (looked_for) up_ = catalog_.series(kTargetMetrics[target_up], name_labels_);
  make_limit_series("");
}

Target::~Target() = default;

void Target::sample(PassContext& pass, ProcessFinder& processes) {
  if (watched_ && !is_still_there(pass)) {
    oom_kills_.lose(pass);
    watched_.reset();
  }
  if (!watched_) look_for_it(pass, processes);
  pass.batch.add(up_, watched_ ? 1 : 0);
  sample_parts(pass);
}

bool Target::is_still_there(PassContext& pass) {
  if (watched_->listing.read(pass.buffer).status() == FileStatus::gone) return false;
  if (!watched_->membership) return true;
  const FileText text = watched_->membership->read(pass.buffer);
  if (!text) return text.status() != FileStatus::gone;
  return text.text == watched_->cgroup.memberships;
}

void Target::look_for_it(PassContext& pass, ProcessFinder& processes) {
  std::optional<FoundCgroup> found;
  std::optional<ProcessFinder::Found> process;
  std::string why;
  if (config_.own) {
    found = find_own(around_, pass.buffer);
    if (!found) why = "the agent's own cgroup cannot be found: are cgroups mounted at /sys/fs/cgroup?";
  } else if (!config_.cgroup.empty()) {
    found = find_path(around_, config_.cgroup, pass.buffer);
    if (!found) why = "there is no cgroup " + config_.cgroup + " to be seen from here";
  } else if (config_.process) {
    process = processes.find(match_, pass.now, pass.outcome);
    if (process) found = find_by_process(pass, *process, why);
  }
  if (found) {
    watch(std::move(*found), process);
    reported_.clear();
    return;
  }
  if (!why.empty() && why != reported_) {
    ++pass.outcome.partial_errors;
    reported_ = why;
  }
  // Counted once; said in each pass in which it is so, or the log would tell after the first that all is well again.
  const bool still = !reported_.empty() && (!config_.process || process);
  if (still && pass.outcome.first_partial_error.empty()) {
    pass.outcome.first_partial_error = "target " + config_.name.value + ": " + reported_;
  }
}

std::optional<FoundCgroup> Target::find_by_process(PassContext& pass, const ProcessFinder::Found& process,
                                                   std::string& why) {
  const bool same = unseen_ && unseen_->pid == process.pid && unseen_->start_ticks == process.start_ticks;
  if (same && pass.now < unseen_->again_at) return std::nullopt;
  auto found = find_process(around_, process, pass.buffer, why);
  unseen_.reset();
  if (!found) unseen_ = Unseen{process.pid, process.start_ticks, pass.now + retry_interval};
  return found;
}

void Target::watch(FoundCgroup found, std::optional<ProcessFinder::Found> process) {
  watched_ = std::make_unique<Watched>(std::move(found), process, around_, config_.own);
  Watched& watched = *watched_;
  const FoundCgroup& cgroup = watched.cgroup;
  const std::string id = cgroup.id.empty() ? "/" + config_.name.value : cgroup.id;
  const Labels labels = labels_.with("id", id);
  const auto& at = cgroup.controllers;
  if (at[memory_controller] != nullptr) watched.memory.emplace(catalog_, labels, *at[memory_controller]);
  if (at[cpu_controller] != nullptr || at[cpuacct_controller] != nullptr) {
    watched.cpu.emplace(catalog_, labels, at[cpu_controller], at[cpuacct_controller]);
  }
  if (at[blkio_controller] != nullptr) watched.io.emplace(catalog_, labels, *at[blkio_controller], around_.sysfs);
  watched.tasks.emplace(catalog_, labels, at[pids_controller], *cgroup.any, processes_);
  if (cgroup.unified != nullptr) watched.pressure.emplace(catalog_, labels, *cgroup.unified);
  if (config_.network && watched.process) watched.network.emplace(catalog_, labels, *watched.process);
  make_limit_series(id);
  derived_.forget();
  oom_kills_.watch(at[memory_controller]);
}

void Target::sample_parts(PassContext& pass) {
  const auto unlimited = [&](Controller controller) { return watched_ && watched_->cgroup.at_root[controller]; };
  MemoryReading memory;
  if (unlimited(memory_controller)) memory.limit = memory.swap_limit = no_limit;
  oom_kills_.look_above(pass);
  if (watched_ && watched_->memory) memory = watched_->memory->sample(pass);
  oom_kills_.add(pass, memory.values[oom_events]);
  add_memory_limit(pass, memory);
  tell_as_the_cgroup_says(pass, swap_resource, memory.swap_limit.state);

  CpuReading cpu;
  if (watched_ && watched_->cpu) cpu = watched_->cpu->sample(pass);
  const bool no_quota = cpu.quota.state == LimitState::unknown && unlimited(cpu_controller);
  if (no_quota) cpu.quota.state = LimitState::unlimited;
  add_cpu_quota(pass, cpu);

  TaskReading tasks;
  if (watched_) tasks = watched_->tasks->sample(pass);
  if (unlimited(pids_controller)) tasks.limit = no_limit;
  derived_.add_tasks(pass, tasks);
  tell_as_the_cgroup_says(pass, pids_resource, tasks.limit.state);

  if (watched_ && watched_->io) watched_->io->sample(pass);
  if (watched_ && watched_->pressure) watched_->pressure->sample(pass);
  if (watched_ && watched_->network) watched_->network->sample(pass);
}

// A limit of the configuration is the target's own, so the target's own usage is what fills it.
void Target::add_memory_limit(PassContext& pass, const MemoryReading& reading) {
  const LimitSource source = watched_ ? watched_->cgroup.source : LimitSource::unknown;
  const auto now =
      in_force(reading.limit, source, config_.limits.memory, [](const Limit& limit) { return limit.value; });
  if (const auto bytes = number_of(now.bound)) pass.batch.add(memory_limit_, *bytes);
  const bool own = now.source == LimitSource::configured;
  derived_.add_memory(pass, now.bound, own ? reading.values[memory_working_set] : reading.working_set_at_limit,
                      own ? reading.own_level : reading.level_of_limit);
  tell(pass, memory_resource, now.bound.state, now.source);
}

void Target::add_cpu_quota(PassContext& pass, const CpuReading& reading) {
  const LimitSource source = watched_ ? watched_->cgroup.source : LimitSource::unknown;
  const auto now = in_force(reading.quota, source, quota_of(config_.limits.cpu),
                            [](const Quota& quota) { return quota.cores(); });
  const Quota& quota = now.bound;
  if (quota.state == LimitState::limited) pass.batch.add(cpu_quota_, static_cast<double>(quota.quota_us));
  if (quota.period_us > 0) pass.batch.add(cpu_period_, static_cast<double>(quota.period_us));
  derived_.add_cpu(pass, quota, now.source == LimitSource::configured ? reading.own : reading.at_quota);
  tell(pass, cpu_resource, quota.state, now.source);
}

void Target::tell(PassContext& pass, Resource resource, LimitState state, LimitSource source) {
  const auto add = [&](SeriesHandle& series, const Metric& metric, const char* label, const char* text) {
    if (!series) {
      series = catalog_.series(metric, name_labels_.with("resource", kResources[resource]).with(label, text));
    }
    pass.batch.add(series, 1);
  };
  const auto source_index = static_cast<std::size_t>(source);
  const auto state_index = static_cast<std::size_t>(state);
  LimitSeries& series = limit_series_[resource];
  add(series.source[source_index], kTargetMetrics[limit_source], "source", kSourceNames[source_index]);
  add(series.state[state_index], kTargetMetrics[limit_state], "state", kStateNames[state_index]);
}

void Target::tell_as_the_cgroup_says(PassContext& pass, Resource resource, LimitState state) {
  const bool known = watched_ && state != LimitState::unknown;
  tell(pass, resource, state, known ? watched_->cgroup.source : LimitSource::unknown);
}

void Target::make_limit_series(const std::string& id) {
  const Labels labels = labels_.with("id", id);
  memory_limit_ = catalog_.series(kMemoryMetrics[memory_limit], labels);
  cpu_quota_ = catalog_.series(kCpuMetrics[cpu_quota], labels);
  cpu_period_ = catalog_.series(kCpuMetrics[cpu_period], labels);
}

}  // namespace sidewatch::container
