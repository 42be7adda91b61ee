// The order of a pass: list, compare, describe, judge each described process by itself, then find the descendants.
#include "collectors/process/process_table.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

constexpr Duration young = 10s;
constexpr Duration first_look_again = 500ms;
constexpr Duration again_interval = 2500ms;
constexpr std::size_t max_again_per_pass = 2;
constexpr std::size_t max_young_per_pass = 256;  // in a storm of forks the rest waits for the round robin
constexpr int max_ancestors = 128;

// A zombie, or a process in the middle of exec, has neither program nor arguments: that is no reason to leave.
bool says_nothing(DescribedTexts texts, const ProcessDescription& description) {
  return (texts.exe || texts.cmdline) && description.exe.empty() && description.cmdline.empty();
}

}  // namespace

struct ProcessTable::Changes {
  std::vector<Membership>& left;
  std::vector<Membership>& joined;
  bool somebody_matched = false;  // by itself, so its descendants have to be found
};

ProcessTable::ProcessTable(const std::vector<ProcessGroupConfig>& configs, const ProcDir& procfs, pid_t own_pid,
                           std::unique_ptr<ProcessDescriber> describer, GroupOf group_of)
    : configs_(configs),
      texts_(needed_texts(configs)),
      describer_(std::move(describer)),
      group_of_(std::move(group_of)),
      selector_(configs, procfs.path(), own_pid),
      listing_(procfs) {}

ProcessTable::~ProcessTable() = default;

Result<void> ProcessTable::refresh(Time now, std::vector<Membership>& left, std::vector<Membership>& joined,
                                   PassOutcome& outcome) {
  const auto extent = listing_.look(now, processes_.size(), !suspects_.empty());
  if (!extent) return extent.error();
  Changes changes{left, joined};
  selector_.refresh(selector_changes_, outcome);
  to_describe_.clear();
  switch (*extent) {
    case ProcessListing::Extent::nothing: break;
    case ProcessListing::Extent::new_ones: take_in_new_ones(now); break;
    case ProcessListing::Extent::all: merge(now, changes); break;
  }
  choose_whom_to_describe(now);

  descriptions_.clear();
  describer_->describe(to_describe_, descriptions_);
  const std::size_t joined_before = joined.size();
  for (const auto& description : descriptions_) judge(description, changes);
  if (changes.somebody_matched) {
    adopt_all(changes);
  } else {
    for (const auto& description : descriptions_) {
      if (auto* process = find(description.pid)) adopt(*process, changes);
    }
  }
  for (auto& member : std::span(joined).subspan(joined_before)) member.leads = leads(*find(member.pid));
  first_pass_ = false;
  return {};
}

// Drops who is no more listed and adds who is new, both lists being sorted.
void ProcessTable::merge(Time now, Changes& changes) {
  merged_.clear();
  auto known = processes_.begin();
  for (const auto& seen : listing_.entries()) {
    while (known != processes_.end() && known->pid < seen.pid) leave(*known++, changes);
    if (known != processes_.end() && known->pid == seen.pid) {
      meet_again(*known, seen, now);
      merged_.push_back(*known++);
    } else {
      merged_.push_back(newcomer(seen, now));
    }
  }
  while (known != processes_.end()) leave(*known++, changes);
  processes_.swap(merged_);
}

// Their PIDs are the latest, so that most of them stand at the end.
void ProcessTable::take_in_new_ones(Time now) {
  for (const auto& seen : listing_.entries()) {
    const auto place = std::lower_bound(processes_.begin(), processes_.end(), seen.pid,
                                        [](const Process& process, pid_t pid) { return process.pid < pid; });
    if (place != processes_.end() && place->pid == seen.pid) {
      meet_again(*place, seen, now);
    } else {
      processes_.insert(place, newcomer(seen, now));
    }
  }
}

void ProcessTable::meet_again(Process& known, const ProcessListing::Entry& seen, Time now) {
  if (known.directory == seen.directory) return;
  known.directory = seen.directory;
  known.first_seen = now;
  known.next_look = {};
  young_.push_back(seen.pid);
  to_describe_.push_back(seen.pid);
}

ProcessTable::Process ProcessTable::newcomer(const ProcessListing::Entry& seen, Time now) {
  Process process;
  process.pid = seen.pid;
  process.directory = seen.directory;
  process.first_seen = now;
  process.counts_from_birth = !first_pass_;
  young_.push_back(seen.pid);
  to_describe_.push_back(seen.pid);
  return process;
}

void ProcessTable::choose_whom_to_describe(Time now) {
  choose_the_young(now);
  if (selector_changes_.everyone) {
    for (const auto& process : processes_) to_describe_.push_back(process.pid);
  }
  suspects_.insert(suspects_.end(), selector_changes_.processes.begin(), selector_changes_.processes.end());
  for (const pid_t pid : suspects_) {
    if (find(pid) != nullptr) to_describe_.push_back(pid);
  }
  suspects_.clear();
  for (std::size_t i = 0; i < max_again_per_pass && now >= again_at_ && !processes_.empty(); ++i) {
    to_describe_.push_back(processes_[next_again_++ % processes_.size()].pid);
    again_at_ += again_interval;
  }
  again_at_ = std::max(again_at_, now);  // what was missed is not made up for
  std::sort(to_describe_.begin(), to_describe_.end());
  to_describe_.erase(std::unique(to_describe_.begin(), to_describe_.end()), to_describe_.end());
}

void ProcessTable::choose_the_young(Time now) {
  std::size_t budget = max_young_per_pass;
  std::erase_if(young_, [&](pid_t pid) {
    Process* process = find(pid);
    if (process == nullptr) return true;
    const Duration age = now - process->first_seen;
    const bool unsettled = process->counts_from_birth || process->start_ticks == 0;
    if (age >= young || (!unsettled && age > Duration(0))) return true;
    if (age < process->next_look || budget == 0) return false;
    --budget;
    process->next_look = std::max(first_look_again, 2 * age);
    if (age > Duration(0)) to_describe_.push_back(pid);  // a new one is described already
    return false;
  });
}

void ProcessTable::judge(const ProcessDescription& description, Changes& changes) {
  Process* process = find(description.pid);
  if (process == nullptr) return;
  if (process->start_ticks != 0 && process->start_ticks != description.start_ticks) {  // the PID was reused
    leave(*process, changes);
    process->by_itself = false;
    process->counts_from_birth = true;
  }
  process->start_ticks = description.start_ticks;
  process->ppid = description.ppid;

  const auto entry = selector_.select(description);
  process->claimed_elsewhere = entry && configs_[*entry].sampled_elsewhere;
  if (entry && !process->claimed_elsewhere) return judge_selected(*process, *entry, description, changes);
  if (process->claimed_elsewhere) {
    process->by_itself = false;
    return leave(*process, changes);
  }
  if (!process->by_itself || says_nothing(texts_, description)) return;
  process->by_itself = false;
  const Process* ancestor = ancestor_with_children(*process);
  if (ancestor == nullptr || ancestor->group != process->group) leave(*process, changes);
}

void ProcessTable::judge_selected(Process& process, std::size_t entry, const ProcessDescription& description,
                                  Changes& changes) {
  const bool is_member = process.group != no_group;
  const auto index = static_cast<std::int32_t>(entry);
  const bool stays = is_member && process.by_itself && process.entry == index && says_nothing(texts_, description);
  const auto present = is_member ? std::optional(static_cast<std::size_t>(process.group)) : std::nullopt;
  const auto group = stays ? process.group : static_cast<std::int32_t>(group_of_(entry, description, present));
  if (process.group != group || !process.by_itself) changes.somebody_matched = true;
  if (process.group != group) {
    leave(process, changes);
    join(process, group, index, changes);
  }
  process.entry = index;
  process.by_itself = true;
}

// Descendants of members become members. Whoever is one already stays, also when its parent is gone.
void ProcessTable::adopt_all(Changes& changes) {
  for (auto& process : processes_) adopt(process, changes);
}

void ProcessTable::adopt(Process& process, Changes& changes) {
  if (process.group != no_group || process.claimed_elsewhere || process.start_ticks == 0) return;
  const Process* ancestor = ancestor_with_children(process);
  if (ancestor != nullptr) join(process, ancestor->group, ancestor->entry, changes);
}

// The nearest ancestor that is a member, if its group takes descendants in.
const ProcessTable::Process* ProcessTable::ancestor_with_children(const Process& process) {
  const Process* ancestor = &process;
  for (int i = 0; i < max_ancestors && ancestor != nullptr; ++i) {
    ancestor = parent_of(*ancestor);
    if (ancestor != nullptr && ancestor->claimed_elsewhere) return nullptr;
    if (ancestor == nullptr || ancestor->group == no_group) continue;
    return configs_[static_cast<std::size_t>(ancestor->entry)].children ? ancestor : nullptr;
  }
  return nullptr;
}

void ProcessTable::join(Process& process, std::int32_t group, std::int32_t entry, Changes& changes) {
  process.group = group;
  process.entry = entry;
  changes.joined.push_back(membership(process));
}

void ProcessTable::leave(Process& process, Changes& changes) {
  if (process.group == no_group) return;
  changes.left.push_back(membership(process));
  process.group = no_group;
  process.counts_from_birth = false;  // should it come back, what its group has counted is not counted twice
}

Membership ProcessTable::membership(const Process& process) const {
  Membership member;
  member.pid = process.pid;
  member.ppid = process.ppid;
  member.start_ticks = process.start_ticks;
  member.group = static_cast<std::size_t>(process.group);
  member.entry = static_cast<std::size_t>(process.entry);
  member.counts_from_birth = process.counts_from_birth;
  return member;
}

bool ProcessTable::leads(const Process& process) {
  const Process* parent = parent_of(process);
  return parent == nullptr || parent->group != process.group;
}

// Whoever started later than its child only has the number of the parent that ended.
const ProcessTable::Process* ProcessTable::parent_of(const Process& process) {
  const Process* parent = process.ppid > 0 ? find(process.ppid) : nullptr;
  return parent != nullptr && parent->start_ticks <= process.start_ticks ? parent : nullptr;
}

ProcessTable::Process* ProcessTable::find(pid_t pid) {
  const auto place = std::lower_bound(processes_.begin(), processes_.end(), pid,
                                      [](const Process& process, pid_t wanted) { return process.pid < wanted; });
  return place != processes_.end() && place->pid == pid ? &*place : nullptr;
}

}  // namespace sidewatch
