// One pass over the files of one process: stat says whether it is still the same one, the others may each be missing.
#include "collectors/process/watched_process.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string_view>

#include "collectors/process/process_text.h"

namespace sidewatch {
namespace {

constexpr Duration limits_every = std::chrono::seconds(30);
constexpr Duration oom_score_every = std::chrono::milliseconds(4500);  // each pass at the default interval of 5 s

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

WatchedProcess::WatchedProcess(const ProcDir& procfs, const Identity& identity, const ProcessDetails& details,
                               ProcFile::Keep keep, ProcessFiles::Told& told)
    : files_(procfs, identity.pid, keep, told),
      start_ticks_(identity.start_ticks),
      proportional_memory_every_(details.proportional_memory_every) {
  if (!details.threads && !details.wchan) return;
  threads_.emplace(details.threads ? ThreadSampler::Counters::on : ThreadSampler::Counters::off,
                   details.wchan ? ThreadSampler::Wchan::on : ThreadSampler::Wchan::off, identity.counts_from_birth);
}

WatchedProcess::Sampled WatchedProcess::sample(Time now, OpenFilesBy open_files_by, ReadBuffer& buffer,
                                               PassOutcome& outcome, ProcessSample& out) {
  const auto stat_text = files_.read(ProcessFiles::stat, buffer);
  if (!files_.readable(ProcessFiles::stat, stat_text.error_number, outcome)) {
    return stat_text.status() == FileStatus::gone ? Sampled::gone : Sampled::unreadable;
  }
  const auto stat = parse_stat(stat_text.text);
  if (!stat || stat->start_ticks != start_ticks_) return Sampled::gone;
  read_limits(now, buffer, outcome);
  read_oom_score(now, buffer, outcome);
  if (proportional_memory_every_) read_proportional_memory(now, buffer, outcome);
  out = kept_;
  out.state = stat->state;
  out.threads = stat->threads;
  out.virtual_bytes = stat->virtual_bytes;
  out.resident_bytes = stat->resident_pages * page_bytes();
  out.counters[user_ticks] = stat->user_ticks;
  out.counters[system_ticks] = stat->system_ticks;
  out.counters[minor_faults] = stat->minor_faults;
  out.counters[major_faults] = stat->major_faults;

  read_status(stat->threads, now, buffer, outcome, out);
  if (const auto text = files_.read(ProcessFiles::io, buffer);
      files_.readable(ProcessFiles::io, text.error_number, outcome)) {
    const auto io = parse_io(text.text);
    out.counters[read_bytes] = io.read_bytes;
    out.counters[write_bytes] = io.write_bytes;
  }
  out.open_files = count_open_files(open_files_by, buffer, outcome);
  return Sampled::yes;
}

void WatchedProcess::sample_threads(const ProcessSample& sampled, ReadBuffer& buffer, PassOutcome& outcome,
                                    ThreadTotals& totals) {
  if (threads_) threads_->sample(sampled.threads, files_, buffer, outcome, totals);
}

void WatchedProcess::read_status(std::uint64_t threads, Time now, ReadBuffer& buffer, PassOutcome& outcome,
                                 ProcessSample& out) {
  const auto text = files_.read(ProcessFiles::status, buffer);
  if (!files_.readable(ProcessFiles::status, text.error_number, outcome)) return;
  const auto status = parse_status(text.text);
  out.swapped_bytes = status.swapped_bytes.value_or(0);
  switches_.count(status, threads, now, files_, buffer, outcome, out.counters);
}

void WatchedProcess::read_limits(Time now, ReadBuffer& buffer, PassOutcome& outcome) {
  if (limits_at_ && now - *limits_at_ < limits_every) return;
  limits_at_ = now;
  if (const auto text = files_.read(ProcessFiles::limits, buffer);
      files_.readable(ProcessFiles::limits, text.error_number, outcome)) {
    kept_.max_open_files = parse_max_open_files(text.text);
    kept_.max_address_space = parse_max_address_space(text.text);
  }
}

void WatchedProcess::read_oom_score(Time now, ReadBuffer& buffer, PassOutcome& outcome) {
  if (oom_score_at_ && now - *oom_score_at_ < oom_score_every) return;
  oom_score_at_ = now;
  if (const auto text = files_.read(ProcessFiles::oom_score, buffer);
      files_.readable(ProcessFiles::oom_score, text.error_number, outcome)) {
    kept_.oom_score = parse_u64(first_line(text.text));
  }
}

// Not more often than asked for: the kernel walks the page tables and holds the process up meanwhile.
void WatchedProcess::read_proportional_memory(Time now, ReadBuffer& buffer, PassOutcome& outcome) {
  if (proportional_memory_at_ && now - *proportional_memory_at_ < *proportional_memory_every_) return;
  proportional_memory_at_ = now;
  const auto text = files_.read(ProcessFiles::smaps_rollup, buffer);
  const bool readable = files_.readable(ProcessFiles::smaps_rollup, text.error_number, outcome);
  const auto memory = readable ? parse_smaps_rollup(text.text) : std::nullopt;
  kept_.proportional_resident_bytes.reset();
  kept_.proportional_swapped_bytes.reset();
  if (!memory) return;
  kept_.proportional_resident_bytes = memory->resident_bytes;
  kept_.proportional_swapped_bytes = memory->swapped_bytes;
}

std::optional<std::uint64_t> WatchedProcess::count_open_files(OpenFilesBy by, ReadBuffer& buffer,
                                                              PassOutcome& outcome) {
  if (by == OpenFilesBy::size) {
    struct stat directory {};
    const int error_number = stat(files_.fd_path().c_str(), &directory) == 0 ? 0 : errno;
    if (!files_.readable(ProcessFiles::fd, error_number, outcome)) return std::nullopt;
    return static_cast<std::uint64_t>(directory.st_size);
  }
  std::uint64_t count = 0;
  const int error_number = files_.list(ProcessFiles::fd, buffer, [&count](std::string_view) { ++count; });
  if (!files_.readable(ProcessFiles::fd, error_number, outcome)) return std::nullopt;
  return count;
}

}  // namespace sidewatch
