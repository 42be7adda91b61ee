#include "collectors/database/sqlite/tracker.h"

#include <algorithm>

namespace sidewatch::database::sqlite {
namespace {

// A counter of SQLite's begins anew when a log is recovered or a file replaced.
double risen(std::optional<std::uint32_t>& last, std::uint32_t now) {
  const double difference = last && now > *last ? static_cast<double>(now - *last) : 0;
  last = now;
  return difference;
}

}  // namespace

const Since& Tracker::take(const Look& look, Time now) {
  count_commits(look);
  count_restarts(look);
  time_writer(look, now);
  time_readers(look, now);
  return since_;
}

void Tracker::count_commits(const Look& look) {
  if (look.header.wal && !look.index) return;  // being written, or nobody has it open
  if (look.header.wal != by_log_) changes_.reset();
  by_log_ = look.header.wal;
  since_.commits += risen(changes_, look.index ? look.index->commits : look.header.changes);
}

void Tracker::count_restarts(const Look& look) {
  if (!look.header.wal) since_.wal_restarts.reset();
  if (!look.log) return;
  since_.wal_restarts = since_.wal_restarts.value_or(0) + risen(restarts_, look.log->restarts);
}

void Tracker::time_writer(const Look& look, Time now) {
  const bool same = look.writer != 0 && look.writer == writer_ && since_.commits == writer_commits_;
  if (!same) writer_since_ = now;
  writer_ = look.writer;
  writer_commits_ = since_.commits;
  since_.write_lock_seconds = look.writer != 0 ? to_seconds(now - writer_since_) : 0;
}

// A reader sees the frames up to its slot's mark. One in slot 0 reads the database alone: it took it when the log had
// been copied whole, so when there is something to copy it is behind.
void Tracker::time_readers(const Look& look, Time now) {
  since_.reader_lag_frames = 0;
  since_.oldest_reader_seconds = 0;
  for (std::size_t i = 0; i < read_marks; ++i) {
    Reader& reader = readers_[i];
    const std::uint32_t newest = look.index ? look.index->frames : 0;
    const std::uint32_t mark = i == 0 || !look.index ? 0 : look.index->marks[i];
    const bool nothing_new = look.index && i == 0 && look.index->backfilled == newest;
    if (!look.slots[i] || mark >= newest || nothing_new) {
      reader.since.reset();
      continue;
    }
    if (!reader.since || reader.mark != mark) reader.since = now;
    reader.mark = mark;
    since_.reader_lag_frames = std::max(since_.reader_lag_frames, newest - mark);
    since_.oldest_reader_seconds = std::max(since_.oldest_reader_seconds, to_seconds(now - *reader.since));
  }
}

}  // namespace sidewatch::database::sqlite
