#include "collectors/container/process_finder.h"

#include <algorithm>
#include <string>
#include <utility>

#include "collectors/process/selector.h"

namespace sidewatch::container {
namespace {

// Children are left out: a target is the process that was asked for, and what it starts may stand in other cgroups.
std::vector<ProcessGroupConfig> groups_of(std::vector<ProcessMatch> matches) {
  std::vector<ProcessGroupConfig> groups;
  for (auto& match : matches) {
    ProcessGroupConfig& group = groups.emplace_back();
    group.name.value = std::to_string(groups.size());
    group.match = std::move(match);
    group.children = false;
  }
  return groups;
}

}  // namespace

ProcessFinder::ProcessFinder(std::vector<ProcessMatch> matches, const ProcDir& procfs, pid_t own_pid)
    : groups_(groups_of(std::move(matches))),
      table_(groups_, procfs, own_pid, make_file_describer(procfs.path(), needed_texts(groups_))) {}

std::optional<ProcessFinder::Found> ProcessFinder::find(std::size_t match, Time now, PassOutcome& outcome) {
  refresh(now, outcome);
  std::optional<Found> oldest;
  for (const auto& member : members_) {
    if (member.group != match || (oldest && oldest->start_ticks <= member.start_ticks)) continue;
    oldest = Found{member.pid, member.start_ticks};
  }
  return oldest;
}

void ProcessFinder::refresh(Time now, PassOutcome& outcome) {
  if (refreshed_at_ == now) return;
  refreshed_at_ = now;
  left_.clear();
  joined_.clear();
  if (auto done = table_.refresh(now, left_, joined_, outcome); !done) add_partial_error(outcome, done.error().text());
  for (const auto& gone : left_) {
    std::erase_if(members_, [&](const Membership& one) { return one.pid == gone.pid; });
  }
  members_.insert(members_.end(), joined_.begin(), joined_.end());
}

}  // namespace sidewatch::container
