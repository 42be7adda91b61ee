// The history in a directory: one checkpoint of all that is remembered, and the write-ahead logs of what came since.
//
//     history/checkpoint        the whole memory of every series (metrics/history_log.h)
//     history/checkpoint.new    the next one, while it is being written; renamed when it is whole and on the disk
//     history/wal-000017        the passes since: a new one begins with every start and every checkpoint
//
// A checkpoint is due when the logs have grown to half of its size, so the directory is bounded by what is remembered:
// two checkpoints and a half. It is taken while sampling goes on, series by series: what comes meanwhile is in the log
// that was begun before it, and a sample that is in both is there once. When it is whole, the older logs are deleted.
//
// Nothing here is fatal. When the disk refuses something, the history is in memory only; a while later a new checkpoint
// is tried, and with it everything is on disk again. Holds no thread and no lock; may block. Does not log.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "alerting/outbox_files.h"
#include "base/result.h"
#include "metrics/history_log.h"
#include "metrics/history_replay.h"
#include "metrics/store.h"

namespace sidewatch {

// What an earlier life has left.
struct HistoryRestored {
  HistoryReplay::Counts counts;
  std::vector<std::string> problems;  // files that could not be read
  std::uint64_t bytes = 0;
};

class HistoryDisk {
 public:
  struct Status {
    bool on_disk = false;
    std::uint64_t failures = 0;  // what the disk has refused
    std::uint64_t bytes = 0;     // of all files
  };

  HistoryDisk(std::string directory, Store& store);
  ~HistoryDisk();
  HistoryDisk(const HistoryDisk&) = delete;
  HistoryDisk& operator=(const HistoryDisk&) = delete;

  // Gives the store what is in the directory, then begins a log there. Once, before the first pass.
  HistoryRestored begin(const HistoryClocks& now, Duration retention);

  void add(Time time, const Sample* samples, std::size_t count);
  void flush(const HistoryClocks& now);  // everything that was added is on the disk afterwards
  bool work(const HistoryClocks& now);   // a piece of what else is to be done; true when there is more at once
  void note_loss() { checkpoint_wanted_ = true; }  // samples did not get here

  Status status() const;
  std::optional<Error> take_problem() { return std::exchange(problem_, std::nullopt); }  // why it is in memory only

 private:
  struct File;
  struct Checkpoint;

  bool read_log(const std::string& name, HistoryReplay& replay, HistoryRestored& restored);
  Result<void> begin_log(const HistoryClocks& now);
  Result<void> begin_checkpoint(const HistoryClocks& now);
  Result<void> continue_checkpoint();
  Result<void> end_checkpoint();
  Result<void> write_log();
  Result<void> sync_directory();
  void retire_log();
  void fail(Error error, Time now);
  void delete_older_logs();
  bool checkpoint_due(Time now) const;
  std::string path(const std::string& name) const { return directory_ + "/" + name; }

  const std::string directory_;
  Store& store_;
  std::uint64_t log_number_ = 0;  // of the newest log
  std::uint64_t old_log_bytes_ = 0;
  std::size_t old_logs_ = 0;
  std::uint64_t checkpoint_bytes_ = 0;
  std::unique_ptr<File> log_;  // null: in memory only
  std::unique_ptr<Checkpoint> checkpoint_;
  bool on_disk_ = false;
  bool checkpoint_wanted_ = false;
  std::optional<Time> retry_at_;
  std::uint64_t failures_ = 0;
  std::optional<Error> problem_;
};

}  // namespace sidewatch
