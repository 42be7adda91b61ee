// What only shows when one look at a database is held against those before it: how many transactions there were, and
// since when somebody holds what others wait for.
//
// A time is counted from the look that saw it first, so it is short by up to one interval, and who comes and goes
// between two looks is not seen.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "collectors/database/sqlite/look.h"

namespace sidewatch::database::sqlite {

struct Since {
  double commits = 0;                        // write transactions since the first look
  std::optional<double> wal_restarts;        // how often the log was begun anew since the first look; in WAL mode
  double write_lock_seconds = 0;             // one process holds the write lock without a commit
  std::uint32_t reader_lag_frames = 0;       // frames that came after what the oldest reader sees
  double oldest_reader_seconds = 0;          // for so long it sees a state that is not the newest
};

class Tracker {
 public:
  const Since& take(const Look& look, Time now);

 private:
  void count_commits(const Look& look);
  void count_restarts(const Look& look);
  void time_writer(const Look& look, Time now);
  void time_readers(const Look& look, Time now);

  struct Reader {
    std::uint32_t mark = 0;
    std::optional<Time> since;  // nothing: none that lags
  };

  Since since_;
  bool by_log_ = false;  // where the last number of changes is from: they are counted apart
  std::optional<std::uint32_t> changes_;
  std::optional<std::uint32_t> restarts_;
  pid_t writer_ = 0;
  double writer_commits_ = 0;
  Time writer_since_;
  std::array<Reader, read_marks> readers_;
};

}  // namespace sidewatch::database::sqlite
