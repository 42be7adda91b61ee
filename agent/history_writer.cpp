#include "agent/history_writer.h"

#include <chrono>
#include <utility>

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t buffer_samples = std::size_t{1} << 18;  // 4 MiB
constexpr std::size_t wake_at_samples = buffer_samples / 4;   // before the flush is due
constexpr std::size_t buffer_passes = std::size_t{1} << 14;

}  // namespace

HistoryWriter::HistoryWriter(const Options& options, Store& store, const Clock& clock, Log& log)
    : store_(store),
      clock_(clock),
      log_(log),
      flush_interval_(options.flush_interval),
      started_{read_boot_position(), clock.now(), Duration(0)},
      disk_(options.directory, store) {
  restore(options);
  store_.set_journal(this);
  if (const auto trouble = thread_.start([this] { run(); }); !trouble.empty()) {
    store_.set_journal(nullptr);
    status_.disk.on_disk = false;
    log_.error("the history is kept in memory only", {{"why", trouble}});
  }
}

HistoryWriter::~HistoryWriter() {
  if (thread_.started()) (void)stop(1s);
}

void HistoryWriter::restore(const Options& options) {
  const auto began = std::chrono::steady_clock::now();
  const HistoryRestored restored = disk_.begin(clocks(), options.retention);
  const auto took = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began);
  status_.damages = restored.counts.damages;
  for (const auto& problem : restored.problems) log_.warning(problem);
  if (restored.counts.damages > 0) {
    log_.warning("the history on disk is damaged, what cannot be read is cut off",
                 {{"places", restored.counts.damages}, {"samples_left", restored.counts.samples}});
  }
  if (restored.counts.from_the_future > 0) {
    log_.warning("the wall clock was set back, samples that would be later than now are left out",
                 {{"samples", restored.counts.from_the_future}});
  }
  if (restored.counts.series_refused > 0) {
    log_.warning("there is no room for the history of some series (limits.max_series)",
                 {{"series", restored.counts.series_refused}});
  }
  if (restored.counts.samples > 0) {
    log_.info("the history of the last run is there again", {{"samples", restored.counts.samples},
                                                             {"bytes", restored.bytes},
                                                             {"took", std::to_string(took.count()) + "ms"}});
  }
  report();
}

void HistoryWriter::took_in(Time time, const std::vector<Sample>& samples) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (buffer_.samples.size() + samples.size() > buffer_samples || buffer_.passes.size() >= buffer_passes) {
      status_.lost_samples += samples.size();
      buffer_.incomplete = true;
      return;
    }
    buffer_.samples.insert(buffer_.samples.end(), samples.begin(), samples.end());
    buffer_.passes.push_back({time, samples.size()});
    wake = buffer_.samples.size() > wake_at_samples;
  }
  if (wake) changed_.notify_all();
}

HistoryWriter::Status HistoryWriter::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

bool HistoryWriter::stop(Duration patience) {
  store_.set_journal(nullptr);
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  return thread_.join(patience);
}

void HistoryWriter::run() {
  Buffer taken;
  bool at_once = false;
  for (bool going_on = true; going_on;) {
    going_on = wait(taken, at_once);
    write(taken);
    at_once = going_on && disk_.work(clocks());
    report();
  }
}

// Swaps the buffers when it is time to write, or to stop: false then. The buffers keep their memory.
bool HistoryWriter::wait(Buffer& taken, bool at_once) {
  taken.passes.clear();
  taken.samples.clear();
  taken.incomplete = false;
  std::unique_lock lock(mutex_);
  if (!at_once) {
    changed_.wait_for(lock, flush_interval_, [this] { return stopping_ || buffer_.samples.size() > wake_at_samples; });
  }
  std::swap(taken, buffer_);
  return !stopping_;
}

void HistoryWriter::write(const Buffer& taken) {
  const Sample* samples = taken.samples.data();
  for (const auto& [time, count] : taken.passes) {
    disk_.add(time, samples, count);
    samples += count;
  }
  if (taken.incomplete) disk_.note_loss();
  disk_.flush(clocks());
}

// Says when the disk begins to refuse the history, and when it takes it again.
void HistoryWriter::report() {
  const auto disk = disk_.status();
  const auto problem = disk_.take_problem();
  if (problem && told_on_disk_) {
    log_.warning("the history is in memory only until the disk takes it again", {{"why", problem->text()}});
  } else if (disk.on_disk && !told_on_disk_) {
    log_.info("the history is on disk again");
  }
  told_on_disk_ = disk.on_disk;
  const std::lock_guard lock(mutex_);
  status_.disk = disk;
}

HistoryClocks HistoryWriter::clocks() const {
  HistoryClocks clocks{started_.boot, clock_.now(), clock_.wall_step()};
  clocks.boot.boot_time_ms += (clocks.now - started_.now).count();
  return clocks;
}

}  // namespace sidewatch
