#include "agent/history_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

constexpr const char* checkpoint_name = "checkpoint";
constexpr const char* new_checkpoint_name = "checkpoint.new";
constexpr std::string_view log_prefix = "wal-";

constexpr std::size_t read_step_bytes = std::size_t{256} << 10;
constexpr std::size_t write_step_bytes = std::size_t{128} << 10;
constexpr std::uint64_t least_log_bytes = std::uint64_t{1} << 20;  // before a checkpoint is due
constexpr std::size_t most_logs = 16;                             // of lives that were too short for a checkpoint
constexpr std::size_t chunks_per_record = 64;
constexpr Duration retry_interval = 10s;
constexpr Duration least_step = 100ms;  // of the wall clock that is written down; what NTP slews is less
constexpr Duration lookback = 5min;  // as queries have it: how long a value holds when nothing follows

Error system_error(const std::string& what, const std::string& path) { return {what + ": " + std::strerror(errno), path}; }

std::string log_name(std::uint64_t number) {
  char name[32];
  std::snprintf(name, sizeof name, "wal-%06llu", static_cast<unsigned long long>(number));
  return name;
}

// The logs in the directory, by number.
std::vector<std::uint64_t> log_numbers(const std::string& directory) {
  std::vector<std::uint64_t> numbers;
  std::error_code problem;
  for (const auto& entry : std::filesystem::directory_iterator(directory, problem)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(log_prefix) || name.size() > 24) continue;
    const std::string digits = name.substr(log_prefix.size());
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos) continue;
    numbers.push_back(std::stoull(digits));
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace

// A file that is appended to.
struct HistoryDisk::File {
  File(std::string its_path, const Catalog& catalog) : path(std::move(its_path)), records(catalog) {}

  Result<void> open(int flags) {
    descriptor = FileHandle(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0600));
    if (!descriptor) return system_error("cannot write the history", path);
    return {};
  }
  Result<void> write() {
    std::string_view left = records.bytes();
    while (!left.empty()) {
      const ssize_t written = ::write(descriptor.get(), left.data(), left.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return system_error("cannot write the history", path);
      size += static_cast<std::uint64_t>(written);
      left.remove_prefix(static_cast<std::size_t>(written));
    }
    records.bytes().clear();
    return {};
  }
  Result<void> sync() {
    if (::fdatasync(descriptor.get()) != 0) return system_error("cannot write the history", path);
    synced = size;
    return {};
  }

  std::string path;
  FileHandle descriptor;
  HistoryLog records;
  std::uint64_t size = 0;
  std::uint64_t synced = 0;
  Duration wall_step{0};
};

struct HistoryDisk::Checkpoint {
  Checkpoint(std::string path, const Catalog& catalog) : file(std::move(path), catalog) {}
  File file;
  std::vector<SeriesId> series;
  std::size_t next = 0;  // of `series`
  Time after = Time::min();  // what is written of that one
};

HistoryDisk::HistoryDisk(std::string directory, Store& store) : directory_(std::move(directory)), store_(store) {}
HistoryDisk::~HistoryDisk() = default;

HistoryRestored HistoryDisk::begin(const HistoryClocks& now, Duration retention) {
  HistoryRestored restored;
  if (const auto prepared = prepare_directory(directory_); !prepared) {
    fail(prepared.error(), now.now);
    return restored;
  }
  ::unlink(path(new_checkpoint_name).c_str());  // of a life that ended over it
  HistoryReplay replay(store_, now, retention);
  if (read_log(checkpoint_name, replay, restored)) replay.end_checkpoint();
  checkpoint_bytes_ = restored.bytes;
  for (const std::uint64_t number : log_numbers(directory_)) {
    read_log(log_name(number), replay, restored);
    log_number_ = number;
    ++old_logs_;
  }
  replay.finish(lookback);
  restored.counts = replay.counts();
  old_log_bytes_ = restored.bytes - checkpoint_bytes_;
  checkpoint_wanted_ = restored.counts.damages > 0;
  if (auto begun = begin_log(now); !begun) {
    fail(begun.error(), now.now);
  } else {
    on_disk_ = true;
  }
  return restored;
}

// False when there is no such file, or none that can be opened.
bool HistoryDisk::read_log(const std::string& name, HistoryReplay& replay, HistoryRestored& restored) {
  const FileHandle file(::open(path(name).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) {
    if (errno != ENOENT) restored.problems.push_back(system_error("cannot read the history", path(name)).text());
    return false;
  }
  replay.begin_log();
  std::string bytes;
  for (ssize_t got = 1; got > 0;) {
    const std::size_t waiting = bytes.size();
    bytes.resize(waiting + read_step_bytes);
    got = ::read(file.get(), bytes.data() + waiting, read_step_bytes);
    if (got < 0) restored.problems.push_back(system_error("cannot read the history", path(name)).text());
    const std::size_t fresh = got > 0 ? static_cast<std::size_t>(got) : 0;
    bytes.resize(waiting + fresh);
    restored.bytes += fresh;
    bytes.erase(0, replay.take(bytes, got <= 0));
  }
  return true;
}

void HistoryDisk::add(Time time, const Sample* samples, std::size_t count) {
  if (!log_) return;
  log_->records.pass(time, samples, count);
  if (log_->records.bytes().size() < write_step_bytes) return;
  if (auto written = log_->write(); !written) fail(written.error(), time);
}

void HistoryDisk::flush(const HistoryClocks& now) {
  if (!log_) return;
  if (std::chrono::abs(now.wall_step - log_->wall_step) >= least_step) {
    log_->records.step(log_->wall_step = now.wall_step);
  }
  if (const auto written = write_log(); !written) fail(written.error(), now.now);
}

Result<void> HistoryDisk::write_log() {
  if (log_->records.bytes().empty() && log_->size == log_->synced) return {};
  if (auto written = log_->write(); !written) return written;
  return log_->sync();
}

bool HistoryDisk::work(const HistoryClocks& now) {
  if (!checkpoint_ && !checkpoint_due(now.now)) return false;
  const auto done = checkpoint_ ? continue_checkpoint() : begin_checkpoint(now);
  if (!done) fail(done.error(), now.now);
  return checkpoint_ != nullptr;
}

bool HistoryDisk::checkpoint_due(Time now) const {
  if (retry_at_) return now >= *retry_at_;
  const std::uint64_t log_bytes = old_log_bytes_ + (log_ ? log_->size : 0);
  return checkpoint_wanted_ || old_logs_ > most_logs || log_bytes > std::max(least_log_bytes, checkpoint_bytes_ / 2);
}

// The new log is begun first: what is taken in from here on is in it, what was before is in the store.
Result<void> HistoryDisk::begin_checkpoint(const HistoryClocks& now) {
  if (auto prepared = prepare_directory(directory_); !prepared) return prepared;
  if (log_) {
    if (auto written = write_log(); !written) return written;
    retire_log();
  }
  if (auto begun = begin_log(now); !begun) return begun;
  checkpoint_wanted_ = false;
  checkpoint_ = std::make_unique<Checkpoint>(path(new_checkpoint_name), store_.catalog());
  if (auto opened = checkpoint_->file.open(O_TRUNC); !opened) return opened;
  checkpoint_->file.records.begin(now);
  checkpoint_->series = store_.catalog().select({});
  return {};
}

Result<void> HistoryDisk::begin_log(const HistoryClocks& now) {
  auto log = std::make_unique<File>(path(log_name(log_number_ + 1)), store_.catalog());
  if (auto opened = log->open(O_EXCL); !opened) return opened;
  ++log_number_;
  log->wall_step = now.wall_step;
  log->records.begin(now);
  log_ = std::move(log);
  return sync_directory();
}

void HistoryDisk::retire_log() {
  old_log_bytes_ += log_->size;
  ++old_logs_;
  log_.reset();
}

Result<void> HistoryDisk::continue_checkpoint() {
  Checkpoint& checkpoint = *checkpoint_;
  HistoryLog& records = checkpoint.file.records;
  while (checkpoint.next < checkpoint.series.size() && records.bytes().size() < write_step_bytes) {
    const SeriesId series = checkpoint.series[checkpoint.next];
    const Store::Memory memory = store_.memory(series, checkpoint.after, chunks_per_record);
    if (memory.newest || !memory.chunks.empty()) records.memory(series, memory);
    const bool more = !memory.newest && !memory.chunks.empty();
    checkpoint.after = more ? memory.chunks.back().last_time() : Time::min();
    if (!more) ++checkpoint.next;
  }
  if (checkpoint.next == checkpoint.series.size()) return end_checkpoint();
  return checkpoint.file.write();
}

Result<void> HistoryDisk::end_checkpoint() {
  File& file = checkpoint_->file;
  file.records.end();
  if (auto written = file.write(); !written) return written;
  if (auto synced = file.sync(); !synced) return synced;
  if (auto written = write_log(); !written) return written;
  if (std::rename(file.path.c_str(), path(checkpoint_name).c_str()) != 0) {
    return system_error("cannot rename it to checkpoint", file.path);
  }
  if (auto synced = sync_directory(); !synced) return synced;
  checkpoint_bytes_ = file.size;
  checkpoint_.reset();
  delete_older_logs();
  on_disk_ = true;
  retry_at_.reset();
  return {};
}

// What was begun or renamed in it is found there after a power failure too.
Result<void> HistoryDisk::sync_directory() {
  const FileHandle directory(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) return system_error("cannot write the directory", directory_);
  return {};
}

void HistoryDisk::delete_older_logs() {
  for (const std::uint64_t number : log_numbers(directory_)) {
    if (number < log_number_) ::unlink(path(log_name(number)).c_str());
  }
  old_logs_ = 0;
  old_log_bytes_ = 0;
}

// What is on the disk stays there, as far as it is whole: it is what there is should this life end now.
void HistoryDisk::fail(Error error, Time now) {
  if (log_ && ::ftruncate(log_->descriptor.get(), static_cast<off_t>(log_->synced)) == 0) log_->size = log_->synced;
  if (log_ && log_->size == 0) ::unlink(log_->path.c_str());
  if (log_) retire_log();
  if (checkpoint_) ::unlink(checkpoint_->file.path.c_str());
  checkpoint_.reset();
  on_disk_ = false;
  ++failures_;
  problem_ = std::move(error);
  retry_at_ = now + retry_interval;
}

HistoryDisk::Status HistoryDisk::status() const {
  return {on_disk_, failures_, checkpoint_bytes_ + old_log_bytes_ + (log_ ? log_->size : 0) +
                                   (checkpoint_ ? checkpoint_->file.size : 0)};
}

}  // namespace sidewatch
