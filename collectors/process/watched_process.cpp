// One pass over the files of one process: stat says whether it is still the same one, the others may each be missing.
#include "collectors/process/watched_process.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "collectors/process/process_text.h"
#include "collectors/process/selector.h"

namespace sidewatch {
namespace {

constexpr std::array<const char*, 6> file_names = {"stat", "status", "io", "limits", "fd", "task"};
constexpr unsigned limit_every_passes = 16;  // a process's limits hardly ever change

std::uint64_t page_bytes() {
  static const auto bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

}  // namespace

OpenFilesBy find_open_files_by(const ProcDir& procfs) {
  struct statfs filesystem {};
  struct stat own {};
  const bool is_procfs = statfs(procfs.path().c_str(), &filesystem) == 0 && filesystem.f_type == PROC_SUPER_MAGIC;
  const bool says = is_procfs && stat((procfs.path() + "/self/fd").c_str(), &own) == 0 && own.st_size > 0;
  return says ? OpenFilesBy::size : OpenFilesBy::listing;
}

WatchedProcess::Kept::Kept(const ProcDir& procfs, const std::string& pid)
    : directory(procfs, pid),
      files{ProcFile(directory, file_names[stat_file]), ProcFile(directory, file_names[status_file]),
            ProcFile(directory, file_names[io_file])} {}

WatchedProcess::WatchedProcess(const ProcDir& procfs, pid_t pid, std::uint64_t start_ticks, ProcFile::Keep keep)
    : procfs_(procfs),
      id_(pid),
      pid_(std::to_string(pid)),
      fd_path_(procfs.path() + "/" + pid_ + "/fd"),
      start_ticks_(start_ticks) {
  if (keep == ProcFile::Keep::open) kept_.emplace(procfs, pid_);
}

bool WatchedProcess::sample(Time now, OpenFilesBy open_files_by, ReadBuffer& buffer, PassOutcome& outcome,
                            ProcessSample& out) {
  out = ProcessSample();
  const auto stat_text = read(stat_file, buffer);
  if (!readable(stat_file, stat_text.error_number, outcome)) return false;
  const auto stat = parse_stat(stat_text.text);
  if (!stat || stat->start_ticks != start_ticks_) return false;
  out.state = stat->state;
  out.threads = stat->threads;
  out.virtual_bytes = stat->virtual_bytes;
  out.resident_bytes = stat->resident_pages * page_bytes();
  out.counters[user_ticks] = stat->user_ticks;
  out.counters[system_ticks] = stat->system_ticks;
  out.counters[minor_faults] = stat->minor_faults;
  out.counters[major_faults] = stat->major_faults;

  if (const auto text = read(status_file, buffer); readable(status_file, text.error_number, outcome)) {
    const auto status = parse_status(text.text);
    out.swapped_bytes = status.swapped_bytes.value_or(0);
    count_switches(status, stat->threads, now, buffer, outcome, out.counters);
  }
  if (const auto text = read(io_file, buffer); readable(io_file, text.error_number, outcome)) {
    const auto io = parse_io(text.text);
    out.counters[read_bytes] = io.read_bytes;
    out.counters[write_bytes] = io.write_bytes;
  }
  if (passes_to_limit_-- == 0) read_limit(buffer, outcome);
  out.max_open_files = max_open_files_;
  out.open_files = count_open_files(open_files_by, buffer, outcome);
  return true;
}

FileText WatchedProcess::read(File file, ReadBuffer& buffer) {
  if (kept_ && file < kept_->files.size()) return kept_->files[file].read(buffer);
  const std::string name = pid_ + "/" + file_names[file];  // short enough to need no allocation
  return procfs_.read(name.c_str(), buffer);
}

bool WatchedProcess::readable(File file, int error_number, PassOutcome& outcome) {
  const FileStatus status = file_status(error_number);
  if (status == FileStatus::ok) return true;
  if (status != FileStatus::gone && !reported_[file]) {
    reported_[file] = true;
    add_partial_error(outcome, procfs_.path() + "/" + pid_ + "/" + file_names[file] + ": " +
                                   std::strerror(error_number));
  }
  return false;
}

// The main thread's counts stand in the process's own status; for the others there is a file each.
void WatchedProcess::count_switches(const StatusText& status, std::uint64_t threads, Time now, ReadBuffer& buffer,
                                    PassOutcome& outcome, ProcessCounters& counters) {
  counters[voluntary_switches] = status.voluntary_switches;
  counters[nonvoluntary_switches] = status.nonvoluntary_switches;
  if (threads <= 1 && threads_.empty()) return;
  const bool anew = threads != threads_expected_;
  if (anew && !list_threads(buffer, outcome)) return;
  threads_expected_ = threads;
  std::size_t due = anew ? threads_.size() : threads_due(now);
  if (anew) threads_at_ = now;
  for (; due > 0 && !threads_.empty(); --due) {
    Thread& thread = threads_[next_thread_++ % threads_.size()];
    if (thread.id != id_ && !count_thread(thread, buffer)) threads_expected_ = 0;
  }
  for (auto& thread : threads_) {
    if (thread.id == id_) count(thread, status, switches_);
  }
  counters[voluntary_switches] = switches_.voluntary;
  counters[nonvoluntary_switches] = switches_.nonvoluntary;
}

// How many of the threads have their turn, so that all have had it once after thread_interval.
std::size_t WatchedProcess::threads_due(Time now) {
  const auto all = static_cast<Duration::rep>(threads_.size());
  const Duration elapsed = threads_at_ ? now - *threads_at_ : thread_interval;
  if (elapsed >= thread_interval) {
    threads_at_ = now;
    return threads_.size();
  }
  const auto due = elapsed * all / thread_interval;
  *threads_at_ += thread_interval * due / all;
  return static_cast<std::size_t>(due);
}

// False when it ended.
bool WatchedProcess::count_thread(Thread& thread, ReadBuffer& buffer) {
  thread_path_.assign(pid_).append("/task/").append(std::to_string(thread.id)).append("/status");
  const auto text = procfs_.read(thread_path_.c_str(), buffer);
  if (!text) return false;
  count(thread, parse_status(text.text), switches_);
  return true;
}

void WatchedProcess::count(Thread& thread, const StatusText& status, Switches& sum) {
  const Switches now{status.voluntary_switches.value_or(0), status.nonvoluntary_switches.value_or(0)};
  const bool other = now.voluntary < thread.counted.voluntary || now.nonvoluntary < thread.counted.nonvoluntary;
  if (other) thread.counted = {};  // a new thread with the number of one that ended
  sum.voluntary += now.voluntary - thread.counted.voluntary;
  sum.nonvoluntary += now.nonvoluntary - thread.counted.nonvoluntary;
  thread.counted = now;
}

// Brings threads_ up to date. False when the threads cannot be listed.
bool WatchedProcess::list_threads(ReadBuffer& buffer, PassOutcome& outcome) {
  for (auto& thread : threads_) thread.listed = false;
  threads_known_ = threads_.size();
  threads_listed_ = 0;
  const std::string name = pid_ + "/" + file_names[task_directory];
  const auto note = [this](std::string_view entry) { note_thread(entry); };
  const int error_number = procfs_.list(name.c_str(), buffer, note);
  std::erase_if(threads_, [](const Thread& thread) { return !thread.listed; });
  return readable(task_directory, error_number, outcome) && !threads_.empty();
}

void WatchedProcess::note_thread(std::string_view entry) {
  const auto id = parse_pid_file(entry);
  if (!id || threads_listed_ == max_threads) return;
  ++threads_listed_;
  const auto end = threads_.begin() + static_cast<std::ptrdiff_t>(threads_known_);
  const auto place = std::find_if(threads_.begin(), end, [&id](const Thread& thread) { return thread.id == *id; });
  if (place != end) {
    place->listed = true;
  } else {
    threads_.push_back({*id, {}, true});
  }
}

void WatchedProcess::read_limit(ReadBuffer& buffer, PassOutcome& outcome) {
  passes_to_limit_ = limit_every_passes - 1;
  const auto text = read(limits_file, buffer);
  if (readable(limits_file, text.error_number, outcome)) max_open_files_ = parse_max_open_files(text.text);
}

std::optional<std::uint64_t> WatchedProcess::count_open_files(OpenFilesBy by, ReadBuffer& buffer,
                                                              PassOutcome& outcome) {
  if (by == OpenFilesBy::size) {
    struct stat directory {};
    const int error_number = stat(fd_path_.c_str(), &directory) == 0 ? 0 : errno;
    if (!readable(fd_directory, error_number, outcome)) return std::nullopt;
    return static_cast<std::uint64_t>(directory.st_size);
  }
  std::uint64_t count = 0;
  const std::string name = pid_ + "/fd";
  const int error_number = procfs_.list(name.c_str(), buffer, [&count](std::string_view) { ++count; });
  if (!readable(fd_directory, error_number, outcome)) return std::nullopt;
  return count;
}

}  // namespace sidewatch
