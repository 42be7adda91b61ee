#include "collectors/database/sqlite/measures.h"

#include <array>
#include <cstddef>

namespace sidewatch::database::sqlite {

constexpr Metric free_pages_metric{"sidewatch_sqlite_freelist_pages", MetricType::gauge, "",
                                   "Pages that hold nothing any more and are used again before the file grows."};
constexpr Metric free_bytes_metric{"sidewatch_sqlite_freelist_bytes", MetricType::gauge, "bytes",
                                   "Size of these pages: what VACUUM would give back."};
constexpr Metric free_ratio_metric{"sidewatch_sqlite_freelist_ratio", MetricType::gauge, "ratio",
                                   "Share of these pages in the database."};
constexpr Metric schema_version_metric{"sidewatch_sqlite_schema_version", MetricType::gauge, "",
                                       "Rises with each change of the schema."};
constexpr Metric user_version_metric{"sidewatch_sqlite_user_version", MetricType::gauge, "",
                                     "What the service set as PRAGMA user_version, mostly the number of a migration."};

namespace {

constexpr Metric up_metric{"sidewatch_sqlite_up", MetricType::gauge, "",
                           "Whether the file is there, may be read and is an SQLite database: 1 or 0."};
constexpr Metric info_metric{"sidewatch_sqlite_info", MetricType::gauge, "",
                             "Always 1; the labels say how the database is set up."};

struct Seen {
  const Look& look;
  const Since& since;
  double checkpoint_pages;

  const Header& header() const { return look.header; }
  double page_size() const { return static_cast<double>(look.header.page_size); }
  bool is_empty() const { return look.header.page_size == 0; }

  // Whether the file's own header is the newest state of it: no log stands before it.
  bool header_is_newest() const { return !look.header.wal || look.wal_bytes.value_or(0) == 0; }
  std::optional<double> pages() const {
    if (is_empty()) return 0;
    if (look.index && look.index->pages > 0) return look.index->pages;
    if (!header_is_newest()) return std::nullopt;
    if (look.header.pages) return *look.header.pages;
    return static_cast<double>(look.bytes / look.header.page_size);
  }
  double backlog() const { return static_cast<double>(look.index->frames - look.index->backfilled); }
};

using Value = std::optional<double>;
struct Measure {
  Metric metric;
  Value (*value)(const Seen& seen);
};

double count(std::uint64_t number) { return static_cast<double>(number); }

constexpr std::array measures{
    Measure{{"sidewatch_sqlite_readable", MetricType::gauge, "",
             "Whether a reader gets at it: 1, or 0 where it is locked, may not be read or was left half done. Absent "
             "where that is not tried, as nobody uses it."},
            [](const Seen& s) -> Value {
              if (s.look.readable == Readable::unused || s.look.readable == Readable::empty) return std::nullopt;
              return s.look.readable == Readable::yes ? 1 : 0;
            }},
    Measure{{"sidewatch_sqlite_size_bytes", MetricType::gauge, "bytes", "Size of the database file."},
            [](const Seen& s) -> Value { return count(s.look.bytes); }},
    Measure{{"sidewatch_sqlite_page_size_bytes", MetricType::gauge, "bytes", "Size of a page."},
            [](const Seen& s) -> Value { return s.is_empty() ? Value() : s.page_size(); }},
    Measure{{"sidewatch_sqlite_pages", MetricType::gauge, "", "Pages of the database, those in the log included."},
            [](const Seen& s) -> Value { return s.pages(); }},
    Measure{free_pages_metric,
            [](const Seen& s) -> Value {
              return s.header_is_newest() ? Value(s.header().free_pages) : std::nullopt;
            }},
    Measure{free_bytes_metric,
            [](const Seen& s) -> Value {
              return s.header_is_newest() ? Value(s.header().free_pages * s.page_size()) : std::nullopt;
            }},
    Measure{free_ratio_metric,
            [](const Seen& s) -> Value {
              const auto pages = s.pages().value_or(0);
              return s.header_is_newest() && pages > 0 ? Value(s.header().free_pages / pages) : std::nullopt;
            }},
    Measure{schema_version_metric,
            [](const Seen& s) -> Value {
              return s.header_is_newest() ? Value(s.header().schema_version) : std::nullopt;
            }},
    Measure{user_version_metric,
            [](const Seen& s) -> Value {
              return s.header_is_newest() ? Value(s.header().user_version) : std::nullopt;
            }},
    Measure{{"sidewatch_sqlite_journal_size_bytes", MetricType::gauge, "bytes",
             "Size of the rollback journal; 0 when there is none."},
            [](const Seen& s) -> Value { return count(s.look.journal_bytes); }},
    Measure{{"sidewatch_sqlite_journal_hot", MetricType::gauge, "",
             "Whether a transaction was left half done, by a program that ended in the middle of it: 1 or 0."},
            [](const Seen& s) -> Value { return s.look.readable == Readable::half_done ? 1 : 0; }},
    Measure{{"sidewatch_sqlite_commits_total", MetricType::counter, "",
             "Write transactions since the agent looked for the first time."},
            [](const Seen& s) -> Value { return s.since.commits; }},
    Measure{{"sidewatch_sqlite_last_change_timestamp_seconds", MetricType::gauge, "seconds",
             "When the file or its log was written last, in Unix time."},
            [](const Seen& s) -> Value { return s.look.changed_at; }},
    Measure{{"sidewatch_sqlite_wal_size_bytes", MetricType::gauge, "bytes",
             "Size of the log file (-wal), which does not shrink by itself; 0 when there is none. Only in WAL mode."},
            [](const Seen& s) -> Value {
              return s.header().wal ? Value(count(s.look.wal_bytes.value_or(0))) : std::nullopt;
            }},
    Measure{{"sidewatch_sqlite_wal_in_use", MetricType::gauge, "",
             "Whether anybody has the database open: 1 or 0. Only in WAL mode."},
            [](const Seen& s) -> Value { return s.header().wal ? Value(s.look.wal_in_use ? 1 : 0) : std::nullopt; }},
    Measure{{"sidewatch_sqlite_wal_frames", MetricType::gauge, "",
             "Pages in the log. Only in WAL mode, while the database is open."},
            [](const Seen& s) -> Value { return s.look.index ? Value(s.look.index->frames) : std::nullopt; }},
    Measure{{"sidewatch_sqlite_wal_backlog_frames", MetricType::gauge, "",
             "Pages in the log that were not yet copied into the database by a checkpoint."},
            [](const Seen& s) -> Value { return s.look.index ? Value(s.backlog()) : std::nullopt; }},
    Measure{{"sidewatch_sqlite_wal_backlog_bytes", MetricType::gauge, "bytes", "The same in bytes."},
            [](const Seen& s) -> Value {
              return s.look.index ? Value(s.backlog() * (s.page_size() + wal_frame_header_bytes)) : std::nullopt;
            }},
    Measure{{"sidewatch_sqlite_wal_backlog_ratio", MetricType::gauge, "ratio",
             "The same as a multiple of checkpoint_pages: 1 is where a checkpoint begins."},
            [](const Seen& s) -> Value {
              return s.look.index ? Value(s.backlog() / s.checkpoint_pages) : std::nullopt;
            }},
    Measure{{"sidewatch_sqlite_wal_restarts_total", MetricType::counter, "",
             "How often the log was begun anew, after it had been copied whole, since the agent looked for the first "
             "time."},
            [](const Seen& s) -> Value { return s.since.wal_restarts; }},
    Measure{{"sidewatch_sqlite_checkpoint_running", MetricType::gauge, "",
             "Whether a checkpoint runs right now: 1 or 0. Only in WAL mode, while the database is open."},
            [](const Seen& s) -> Value { return s.look.index ? Value(s.look.checkpointing ? 1 : 0) : std::nullopt; }},
    Measure{{"sidewatch_sqlite_wal_reader_lag_frames", MetricType::gauge, "",
             "Pages that came into the log after what the oldest reader sees. A checkpoint stops there."},
            [](const Seen& s) -> Value { return s.look.index ? Value(s.since.reader_lag_frames) : std::nullopt; }},
    Measure{{"sidewatch_sqlite_wal_oldest_reader_seconds", MetricType::gauge, "seconds",
             "For how long the oldest reader has been seen reading an old state; 0 when none does."},
            [](const Seen& s) -> Value { return s.look.index ? Value(s.since.oldest_reader_seconds) : std::nullopt; }},
    Measure{{"sidewatch_sqlite_writer_active", MetricType::gauge, "",
             "Whether somebody holds the write lock right now: 1 or 0."},
            [](const Seen& s) -> Value { return s.look.writer != 0 ? 1 : 0; }},
    Measure{{"sidewatch_sqlite_write_lock_held_seconds", MetricType::gauge, "seconds",
             "For how long one process has been seen holding the write lock without a commit; 0 when none does."},
            [](const Seen& s) -> Value { return s.since.write_lock_seconds; }},
    Measure{{"sidewatch_sqlite_writer_waiting", MetricType::gauge, "",
             "Whether a writer waits for readers to end right now: 1 or 0. Only in rollback mode."},
            [](const Seen& s) -> Value {
              return s.header().wal ? Value() : Value(s.look.writer_waits ? 1 : 0);
            }},
    Measure{{"sidewatch_sqlite_reader_active", MetricType::gauge, "",
             "Whether anybody but the agent reads right now: 1 or 0. Only in rollback mode."},
            [](const Seen& s) -> Value { return s.header().wal ? Value() : Value(s.look.readers ? 1 : 0); }},
    Measure{{"sidewatch_sqlite_reader_wait_seconds", MetricType::gauge, "seconds",
             "How long a reader would have had to wait for its lock just now; at most 0.178, where it would have given "
             "up."},
            [](const Seen& s) -> Value { return s.look.reader_wait_seconds; }},
    Measure{{"sidewatch_sqlite_filesystem_available_bytes", MetricType::gauge, "bytes",
             "Space that its filesystem has left for everybody but root."},
            [](const Seen& s) -> Value { return s.look.filesystem_available_bytes; }},
    Measure{{"sidewatch_sqlite_filesystem_available_ratio", MetricType::gauge, "ratio",
             "The same as a share of the filesystem's size."},
            [](const Seen& s) -> Value {
              if (s.look.filesystem_bytes <= 0) return std::nullopt;
              return s.look.filesystem_available_bytes / s.look.filesystem_bytes;
            }},
};

}  // namespace

Measures::Measures(Catalog& catalog, const Labels& labels, double checkpoint_pages)
    : catalog_(catalog), labels_(labels), checkpoint_pages_(checkpoint_pages),
      up_(catalog.series(up_metric, labels)) {
  series_.resize(measures.size());
}

void Measures::write(const Look* look, const Since& since, Batch& batch) {
  batch.add(up_, look != nullptr ? 1 : 0);
  if (look == nullptr) return;
  const Seen seen{*look, since, checkpoint_pages_};
  for (std::size_t i = 0; i < measures.size(); ++i) {
    const auto value = measures[i].value(seen);
    if (!value) continue;
    if (!series_[i]) series_[i] = catalog_.series(measures[i].metric, labels_);
    batch.add(series_[i], *value);
  }
  if (look->header.page_size != 0) write_info(look->header, batch);
}

void Measures::write_info(const Header& header, Batch& batch) {
  const std::string_view mode = header.wal ? "wal" : "rollback";
  std::string text;
  text.append(mode).append("\n").append(header.encoding).append("\n").append(header.auto_vacuum).append("\n");
  text += header.written_by;
  if (text != info_text_) {
    info_ = catalog_.series(info_metric, labels_.with("journal_mode", mode)
                                             .with("encoding", header.encoding)
                                             .with("auto_vacuum", header.auto_vacuum)
                                             .with("written_by", header.written_by));
    info_text_ = std::move(text);
  }
  batch.add(info_, 1);
}

std::vector<Metric> measured_metrics() {
  std::vector<Metric> all{up_metric, info_metric};
  for (const auto& measure : measures) all.push_back(measure.metric);
  return all;
}

}  // namespace sidewatch::database::sqlite
