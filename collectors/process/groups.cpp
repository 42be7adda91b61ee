// Names are looked up in a map; places of groups that were forgotten are used again.
#include "collectors/process/groups.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "metrics/metric.h"

namespace sidewatch {
namespace {

constexpr std::array<Metric, 1> metrics = {{
    {"sidewatch_process_overflows_total", MetricType::counter, "",
     "Processes and threads that a limit, max_groups or max_thread_names, put into a group or name 'overflow'."},
}};
constexpr const char* overflow = "overflow";

}  // namespace

std::span<const Metric> process_limit_metrics() { return metrics; }

ProcessGroups::ProcessGroups(const std::vector<ProcessGroupConfig>& configs, const Labels& labels, Catalog& catalog)
    : configs_(configs), catalog_(catalog), made_(configs.size()) {
  const auto counter = [&](const char* limit) { return catalog.series(metrics[0], labels.with("limit", limit)); };
  bool templates = false;
  bool threads = false;
  for (std::size_t entry = 0; entry < configs.size(); ++entry) {
    const auto& config = configs[entry];
    names_.push_back(GroupName::parse(config.name.value, config.match.cmdline).value());
    if (config.sampled_elsewhere) continue;
    templates |= !names_.back().is_fixed();
    threads |= config.details.threads || config.details.wchan;
    if (names_.back().is_fixed()) make(entry, config.name.value, true);
  }
  if (templates) processes_refused_series_ = counter("max_groups");
  if (threads) threads_refused_series_ = counter("max_thread_names");
}

std::size_t ProcessGroups::group_of(std::size_t entry, const ProcessDescription& process,
                                    std::optional<std::size_t> present) {
  std::string name = names_[entry].of(process, start_time(process.start_ticks));
  if (const auto known = by_name_.find(name); known != by_name_.end()) {
    slots_[known->second].empty_since.reset();
    return known->second;
  }
  if (made_[entry] < configs_[entry].max_groups || make_room(entry)) return make(entry, std::move(name), false);
  const auto known = by_name_.find(overflow);
  const std::size_t shared = known != by_name_.end() ? known->second : make(entry, overflow, true);
  if (present != shared) ++processes_refused_;
  return shared;
}

std::size_t ProcessGroups::make(std::size_t entry, std::string name, bool stays) {
  auto place = std::find_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return !slot.group.has_value(); });
  const auto number = static_cast<std::size_t>(place - slots_.begin());
  if (place == slots_.end()) slots_.emplace_back();
  Slot& slot = slots_[number];
  slot.group.emplace(name, configs_[entry].details, catalog_);
  slot.entry = entry;
  slot.members = 0;
  slot.empty_since.reset();
  slot.stays = stays;
  if (!stays) ++made_[entry];
  by_name_.emplace(name, number);
  slot.name = std::move(name);
  return number;
}

// Gives up the group of this entry that has been empty for longest. One that was chosen or lost its last member in this
// pass is kept.
bool ProcessGroups::make_room(std::size_t entry) {
  std::optional<std::size_t> longest;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    const bool empty = slot.group && !slot.stays && slot.entry == entry && slot.members == 0 && slot.empty_since;
    if (empty && (!longest || *slot.empty_since < *slots_[*longest].empty_since)) longest = i;
  }
  if (longest) forget(*longest);
  return longest.has_value();
}

void ProcessGroups::forget(std::size_t group) {
  Slot& slot = slots_[group];
  by_name_.erase(slot.name);
  --made_[slot.entry];
  threads_refused_by_forgotten_ += slot.group->threads().overflowed();
  slot.group.reset();
}

std::optional<double> ProcessGroups::start_time(std::uint64_t start_ticks) const {
  if (!boot_time_seconds_) return std::nullopt;
  static const double ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  return static_cast<double>(*boot_time_seconds_) + static_cast<double>(start_ticks) / ticks_per_second;
}

void ProcessGroups::begin_pass() {
  for (auto& slot : slots_) {
    if (slot.group) slot.group->begin_pass();
  }
}

void ProcessGroups::end_pass(Time now, Batch& batch) {
  std::uint64_t threads_refused = threads_refused_by_forgotten_;  // before another is forgotten
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (!slot.group) continue;
    slot.group->end_pass(batch);
    threads_refused += slot.group->threads().overflowed();
    if (slot.members > 0) {
      slot.empty_since.reset();
    } else if (!slot.empty_since) {
      slot.empty_since = now;
    }
    const bool over = slot.empty_since && now - *slot.empty_since >= configs_[slot.entry].forget_after;
    if (over && !slot.stays) forget(i);
  }
  batch.add(processes_refused_series_, static_cast<double>(processes_refused_));
  batch.add(threads_refused_series_, static_cast<double>(threads_refused));
}

}  // namespace sidewatch
