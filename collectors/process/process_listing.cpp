// The counts are read before /proc is looked at, so that what happens meanwhile is seen by the next look.
#include "collectors/process/process_listing.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <utility>

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

constexpr Duration longest_unlisted = 5s;  // a whole listing at least this often, whatever the kernel's counts say
constexpr std::size_t entries_per_lookup = 20;  // looking one up costs as much as listing so many
constexpr pid_t pids_in_flight = 8;             // how many forks may be between their PID and their process

// Not when the kernel began again with small PIDs.
bool few_are_new(const TaskCounts& before, const TaskCounts& now, std::size_t known) {
  if (now.last_pid < before.last_pid || before.last_pid < pids_in_flight) return false;
  const auto looked_up = static_cast<std::size_t>(now.last_pid - before.last_pid + pids_in_flight);
  return looked_up * entries_per_lookup <= known;
}

bool shows_our_pids(const ProcDir& procfs) {
  std::string target;
  return procfs.read_link("self", target) == 0 && target == std::to_string(getpid());
}

}  // namespace

ProcessListing::ProcessListing(const ProcDir& procfs)
    : procfs_(procfs), counts_our_pids_(shows_our_pids(procfs)), loadavg_(procfs, "loadavg") {}

Result<ProcessListing::Extent> ProcessListing::look(Time now, std::size_t known, bool whole) {
  entries_.clear();
  const auto counts = read_counts();
  const auto before = std::exchange(counts_, counts);
  if (before && counts && !whole && now - listed_at_ < longest_unlisted) {
    if (*before == *counts) return Extent::nothing;
    if (few_are_new(*before, *counts, known)) {
      for (pid_t pid = before->last_pid - pids_in_flight + 1; pid <= counts->last_pid; ++pid) look_up(pid);
      return Extent::new_ones;
    }
  }
  if (auto listed = list(); !listed) {
    counts_.reset();
    return listed.error();
  }
  listed_at_ = now;
  return Extent::all;
}

std::optional<TaskCounts> ProcessListing::read_counts() {
  if (!counts_our_pids_) return std::nullopt;
  const auto text = loadavg_.read(buffer_);
  return text ? parse_task_counts(text.text) : std::nullopt;
}

// Threads have directories too, which a listing does not show.
void ProcessListing::look_up(pid_t pid) {
  path_.assign(std::to_string(pid)).append("/stat");
  const auto text = procfs_.read(path_.c_str(), buffer_);
  if (!text || is_thread(text.text)) return;
  path_.assign(procfs_.path()).append("/").append(std::to_string(pid));
  struct stat directory {};
  if (stat(path_.c_str(), &directory) == 0) entries_.push_back({pid, directory.st_ino});
}

Result<void> ProcessListing::list() {
  const char* path = procfs_.path().c_str();
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path), [](DIR* d) { return closedir(d); });
  if (!directory) return Error{std::string("cannot list processes: ") + std::strerror(errno), procfs_.path()};
  while (const dirent* entry = readdir(directory.get())) {
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
    const auto pid = parse_pid_file(entry->d_name);
    if (pid) entries_.push_back({*pid, entry->d_ino});
    if (entries_.size() > max_processes) {
      return Error{"more than " + std::to_string(max_processes) + " processes", procfs_.path()};
    }
  }
  if (entries_.empty()) return Error{"holds no process: is /proc mounted here?", procfs_.path()};
  const auto by_pid = [](const Entry& a, const Entry& b) { return a.pid < b.pid; };
  if (!std::is_sorted(entries_.begin(), entries_.end(), by_pid)) std::sort(entries_.begin(), entries_.end(), by_pid);
  return {};
}

}  // namespace sidewatch
