// The order of a pass: list, compare, describe, judge each described process by itself, then find the descendants.
#include "collectors/process/process_table.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "collectors/process/process_text.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

constexpr Duration young = 10s;
constexpr Duration first_look_again = 500ms;
constexpr Duration longest_unlisted = 5s;  // a listing at least this often, whatever the kernel's counts say
constexpr Duration again_interval = 2500ms;
constexpr std::size_t max_again_per_pass = 2;
constexpr std::size_t max_young_per_pass = 256;  // in a storm of forks the rest waits for the round robin
constexpr int max_ancestors = 128;

bool shows_our_pids(const ProcDir& procfs) {
  std::string target;
  return procfs.read_link("self", target) == 0 && target == std::to_string(getpid());
}

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
      procfs_(procfs),
      texts_(needed_texts(configs)),
      describer_(std::move(describer)),
      group_of_(std::move(group_of)),
      selector_(configs, procfs.path(), own_pid),
      loadavg_(procfs, "loadavg"),
      counts_our_pids_(shows_our_pids(procfs)) {}

ProcessTable::~ProcessTable() = default;

Result<void> ProcessTable::refresh(Time now, std::vector<Membership>& left, std::vector<Membership>& joined,
                                   PassOutcome& outcome) {
  if (!nobody_came_or_went(now)) {
    if (auto listed = list(); !listed) {
      counts_.reset();
      return listed;
    }
    listed_at_ = now;
  }
  Changes changes{left, joined};
  selector_.refresh(selector_changes_, outcome);
  to_describe_.clear();
  merge(now, changes);
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

// Whether /proc lists what it did: nothing ended, as there are as many tasks, and nothing began, as no PID was given
// out since. Read before the listing, so that what happens during it is seen by the next pass. In another PID namespace
// the counts are about others than those listed.
bool ProcessTable::nobody_came_or_went(Time now) {
  if (!counts_our_pids_) return false;
  const auto text = loadavg_.read(loadavg_buffer_);
  const auto before = std::exchange(counts_, text ? parse_task_counts(text.text) : std::nullopt);
  return counts_ && before && *counts_ == *before && suspects_.empty() && now - listed_at_ < longest_unlisted;
}

Result<void> ProcessTable::list() {
  listed_.clear();
  const char* path = procfs_.path().c_str();
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path), [](DIR* d) { return closedir(d); });
  if (!directory) return Error{std::string("cannot list processes: ") + std::strerror(errno), procfs_.path()};
  while (const dirent* entry = readdir(directory.get())) {
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
    const auto pid = parse_pid_file(entry->d_name);
    if (pid) listed_.push_back({*pid, entry->d_ino});
    if (listed_.size() > max_processes) {
      return Error{"more than " + std::to_string(max_processes) + " processes", procfs_.path()};
    }
  }
  if (listed_.empty()) return Error{"holds no process: is /proc mounted here?", procfs_.path()};
  const auto by_pid = [](const Listed& a, const Listed& b) { return a.pid < b.pid; };
  if (!std::is_sorted(listed_.begin(), listed_.end(), by_pid)) std::sort(listed_.begin(), listed_.end(), by_pid);
  return {};
}

// Drops who is no more listed and adds who is new, both lists being sorted.
void ProcessTable::merge(Time now, Changes& changes) {
  merged_.clear();
  auto known = processes_.begin();
  const auto drop = [&] {
    leave(*known, changes);
    ++known;
  };
  for (const auto& seen : listed_) {
    while (known != processes_.end() && known->pid < seen.pid) drop();
    if (known != processes_.end() && known->pid == seen.pid) {
      if (known->directory != seen.directory || selector_changes_.everyone) to_describe_.push_back(seen.pid);
      known->directory = seen.directory;
      merged_.push_back(*known++);
      continue;
    }
    Process process;
    process.pid = seen.pid;
    process.directory = seen.directory;
    process.first_seen = now;
    process.counts_from_birth = !first_pass_;
    merged_.push_back(process);
    to_describe_.push_back(seen.pid);
  }
  while (known != processes_.end()) drop();
  processes_.swap(merged_);
}

void ProcessTable::choose_whom_to_describe(Time now) {
  choose_the_young(now);
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
  for (auto& process : processes_) {
    const bool unsettled = process.counts_from_birth || process.start_ticks == 0;
    const Duration age = now - process.first_seen;
    if (!unsettled || age >= young || age < process.next_look) continue;
    if (budget-- == 0) break;
    process.next_look = std::max(first_look_again, 2 * age);
    if (age > Duration(0)) to_describe_.push_back(process.pid);  // a new one is described already
  }
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

  if (const auto entry = selector_.select(description)) return judge_selected(*process, *entry, description, changes);
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
  if (process.group != no_group || process.start_ticks == 0) return;
  const Process* ancestor = ancestor_with_children(process);
  if (ancestor != nullptr) join(process, ancestor->group, ancestor->entry, changes);
}

// The nearest ancestor that is a member, if its group takes descendants in.
const ProcessTable::Process* ProcessTable::ancestor_with_children(const Process& process) {
  const Process* ancestor = &process;
  for (int i = 0; i < max_ancestors && ancestor != nullptr; ++i) {
    ancestor = ancestor->ppid > 0 ? find(ancestor->ppid) : nullptr;
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
  const Process* parent = process.ppid > 0 ? find(process.ppid) : nullptr;
  return parent == nullptr || parent->group != process.group;
}

ProcessTable::Process* ProcessTable::find(pid_t pid) {
  const auto place = std::lower_bound(processes_.begin(), processes_.end(), pid,
                                      [](const Process& process, pid_t wanted) { return process.pid < wanted; });
  return place != processes_.end() && place->pid == pid ? &*place : nullptr;
}

}  // namespace sidewatch
