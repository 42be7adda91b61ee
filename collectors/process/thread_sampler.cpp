// List the threads, then read each: what ends meanwhile is left out, what cannot be read costs only itself.
#include "collectors/process/thread_sampler.h"

#include <algorithm>
#include <utility>

#include "collectors/process/process_text.h"

namespace sidewatch {

void ThreadSampler::sample(std::uint64_t threads, ProcessFiles& files, ReadBuffer& buffer, PassOutcome& outcome,
                           ThreadTotals& totals) {
  had_several_ |= threads > 1;
  const bool counted = counters_ == Counters::on && had_several_;
  if (!counted && wchan_ == Wchan::off) return;
  if (!list(files, buffer, outcome)) return;
  for (auto& thread : threads_) {
    if (counted) count(thread, files, buffer, outcome, totals);
    if (wchan_ == Wchan::off) continue;
    const auto function = files.read(thread.id, ProcessFiles::thread_wchan, buffer);
    if (!files.readable(ProcessFiles::thread_wchan, function.error_number, outcome)) continue;
    const auto name = trim(function.text);
    if (!name.empty() && name != "0") totals.wait_in(name);  // 0: it runs, or the kernel does not tell
  }
  totals.leave_out(left_out_);
  counts_from_birth_ = true;
}

bool ThreadSampler::list(ProcessFiles& files, ReadBuffer& buffer, PassOutcome& outcome) {
  for (auto& thread : threads_) thread.listed = false;
  known_ = threads_.size();
  listed_ = 0;
  const std::size_t left_out_before = std::exchange(left_out_, 0);
  cut_off_before_ = left_out_before > 0;
  const int error_number = files.list(ProcessFiles::task, buffer, [this](std::string_view entry) { note(entry); });
  const bool readable = files.readable(ProcessFiles::task, error_number, outcome);
  if (readable) {
    std::erase_if(threads_, [](const Thread& thread) { return !thread.listed; });
  } else {
    left_out_ = left_out_before;  // and whoever is known stays so, lest what they have counted is counted again
  }
  const auto by_id = [](const Thread& a, const Thread& b) { return a.id < b.id; };
  if (!std::is_sorted(threads_.begin(), threads_.end(), by_id)) std::sort(threads_.begin(), threads_.end(), by_id);
  return readable;
}

void ThreadSampler::note(std::string_view entry) {
  const auto id = parse_pid_file(entry);
  if (!id) return;
  if (listed_ == max_threads) {
    ++left_out_;
    return;
  }
  ++listed_;
  const auto end = threads_.begin() + static_cast<std::ptrdiff_t>(known_);
  const auto place = std::lower_bound(threads_.begin(), end, *id,
                                      [](const Thread& thread, pid_t wanted) { return thread.id < wanted; });
  if (place != end && place->id == *id) {
    place->listed = true;
  } else {
    threads_.push_back({*id, 0, {}, true, counts_from_birth_ && !cut_off_before_});
  }
}

void ThreadSampler::count(Thread& thread, ProcessFiles& files, ReadBuffer& buffer, PassOutcome& outcome,
                          ThreadTotals& totals) {
  ProcessCounters counters;
  if (const auto text = files.read(thread.id, ProcessFiles::thread_io, buffer);
      files.readable(ProcessFiles::thread_io, text.error_number, outcome)) {
    const auto io = parse_io(text.text);
    counters[read_bytes] = io.read_bytes;
    counters[write_bytes] = io.write_bytes;
  }
  if (const auto text = files.read(thread.id, ProcessFiles::thread_status, buffer);
      files.readable(ProcessFiles::thread_status, text.error_number, outcome)) {
    const auto status = parse_status(text.text);
    counters[voluntary_switches] = status.voluntary_switches;
    counters[nonvoluntary_switches] = status.nonvoluntary_switches;
  }
  // Last, as its name is a view into the buffer.
  const auto text = files.read(thread.id, ProcessFiles::thread_stat, buffer);
  if (!files.readable(ProcessFiles::thread_stat, text.error_number, outcome)) return;
  const auto stat = parse_stat(text.text);
  if (!stat) return;
  if (thread.start_ticks != 0 && thread.start_ticks != stat->start_ticks) {  // another one with its number
    thread.previous = {};
    thread.counts_from_birth = true;
  }
  thread.start_ticks = stat->start_ticks;
  counters[user_ticks] = stat->user_ticks;
  counters[system_ticks] = stat->system_ticks;
  counters[minor_faults] = stat->minor_faults;
  counters[major_faults] = stat->major_faults;
  totals.add(stat->comm, counters, thread.counts_from_birth, thread.previous);
}

}  // namespace sidewatch
