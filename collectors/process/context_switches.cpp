// The main thread's counts stand in the process's own status; for the others there is a file each.
#include "collectors/process/context_switches.h"

#include <algorithm>
#include <utility>

namespace sidewatch {

void ContextSwitches::count(const StatusText& status, std::uint64_t threads, Time now, ProcessFiles& files,
                            ReadBuffer& buffer, PassOutcome& outcome, ProcessCounters& counters) {
  const bool alone = threads <= 1 && threads_.empty();
  if (alone) was_alone_ = true;
  const bool anew = !alone && threads != threads_expected_;
  if (!alone && (!anew || list_threads(files, buffer, outcome))) {
    threads_expected_ = threads;
    follow(status, anew, now, files, buffer);
  }
  // While the threads could not be listed yet, what the main one tells is all only if there was no other before: to a
  // process that was met with several, the others' history would be added when they are listed.
  if (followed_) {
    counters[voluntary_switches] = switches_.voluntary;
    counters[nonvoluntary_switches] = switches_.nonvoluntary;
  } else if (was_alone_) {
    counters[voluntary_switches] = status.voluntary_switches;
    counters[nonvoluntary_switches] = status.nonvoluntary_switches;
  }
}

void ContextSwitches::follow(const StatusText& status, bool anew, Time now, ProcessFiles& files, ReadBuffer& buffer) {
  std::size_t due = anew ? threads_.size() : threads_due(now);
  if (anew) threads_at_ = now;
  for (; due > 0 && !threads_.empty(); --due) {
    Thread& thread = threads_[next_thread_++ % threads_.size()];
    if (thread.id == files.pid() || count_thread(thread, files, buffer)) continue;
    threads_expected_ = 0;
    if (!followed_ && !was_alone_) thread.counts_from_birth = false;  // its history is not in the first sum
  }
  for (auto& thread : threads_) {
    if (thread.id == files.pid()) count(thread, status, switches_);
  }
  followed_ = true;
}

// How many of the threads have their turn, so that all have had it once after thread_interval.
std::size_t ContextSwitches::threads_due(Time now) {
  const auto all = static_cast<Duration::rep>(threads_.size());
  const Duration elapsed = threads_at_ ? now - *threads_at_ : thread_interval;
  if (elapsed >= thread_interval) {
    threads_at_ = now;
    return threads_.size();
  }
  if (all == 0) return 0;
  const auto due = elapsed * all / thread_interval;
  *threads_at_ += thread_interval * due / all;
  return static_cast<std::size_t>(due);
}

// False when it ended.
bool ContextSwitches::count_thread(Thread& thread, ProcessFiles& files, ReadBuffer& buffer) {
  const auto text = files.read(thread.id, ProcessFiles::thread_status, buffer);
  if (!text) return false;
  count(thread, parse_status(text.text), switches_);
  return true;
}

void ContextSwitches::count(Thread& thread, const StatusText& status, Switches& sum) {
  const Switches now{status.voluntary_switches.value_or(0), status.nonvoluntary_switches.value_or(0)};
  if (!thread.counts_from_birth) thread.counted = now;
  thread.counts_from_birth = true;
  const bool other = now.voluntary < thread.counted.voluntary || now.nonvoluntary < thread.counted.nonvoluntary;
  if (other) thread.counted = {};  // a new thread with the number of one that ended
  sum.voluntary += now.voluntary - thread.counted.voluntary;
  sum.nonvoluntary += now.nonvoluntary - thread.counted.nonvoluntary;
  thread.counted = now;
}

// Brings threads_ up to date. False when no thread can be listed: those known are then kept, so that what they have
// counted is not counted again.
bool ContextSwitches::list_threads(ProcessFiles& files, ReadBuffer& buffer, PassOutcome& outcome) {
  for (auto& thread : threads_) thread.listed = false;
  threads_known_ = threads_.size();
  threads_listed_ = 0;
  cut_off_before_ = std::exchange(cut_off_, false);
  const int error_number =
      files.list(ProcessFiles::task, buffer, [this](std::string_view entry) { note_thread(entry); });
  if (error_number != 0) cut_off_ |= cut_off_before_;
  if (!files.readable(ProcessFiles::task, error_number, outcome) || threads_listed_ == 0) return false;
  std::erase_if(threads_, [](const Thread& thread) { return !thread.listed; });
  return true;
}

void ContextSwitches::note_thread(std::string_view entry) {
  const auto id = parse_pid_file(entry);
  if (!id) return;
  if (threads_listed_ == max_threads) {
    cut_off_ = true;
    return;
  }
  ++threads_listed_;
  const auto end = threads_.begin() + static_cast<std::ptrdiff_t>(threads_known_);
  const auto place = std::find_if(threads_.begin(), end, [&id](const Thread& thread) { return thread.id == *id; });
  if (place != end) {
    place->listed = true;
  } else {
    threads_.push_back({*id, {}, true, !cut_off_before_});
  }
}

}  // namespace sidewatch
