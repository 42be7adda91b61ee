// The server as a whole: what it is, what its background processes write, its write-ahead log and the archive of it.
#include <chrono>

#include "collectors/database/postgresql/queries.h"

namespace sidewatch::database::postgresql {
namespace {

using namespace std::chrono_literals;

constexpr Duration seldom = 30s;  // what lists a directory, or changes only with a restart

constexpr const char* static_sql = R"(
SELECT version() AS version,
       n / 10000 || '.' || n % 10000 || '.0' AS short_version,
       1 AS one
FROM (SELECT current_setting('server_version_num')::int AS n) AS v)";

constexpr const char* postmaster_sql = "SELECT extract(epoch FROM pg_postmaster_start_time()) AS started";

constexpr const char* bgwriter_sql = R"(
SELECT checkpoints_timed, checkpoints_req, checkpoint_write_time, checkpoint_sync_time, buffers_checkpoint,
       buffers_clean, maxwritten_clean, buffers_backend, buffers_backend_fsync, buffers_alloc,
       COALESCE(extract(epoch FROM stats_reset), 0) AS stats_reset
FROM pg_stat_bgwriter)";

// From 17 on the checkpointer has a view of its own, and what backends write themselves stands in pg_stat_io.
constexpr const char* bgwriter_17_sql = R"(
SELECT c.num_timed AS checkpoints_timed, c.num_requested AS checkpoints_req, c.write_time AS checkpoint_write_time,
       c.sync_time AS checkpoint_sync_time, c.buffers_written AS buffers_checkpoint,
       b.buffers_clean, b.maxwritten_clean, io.writes AS buffers_backend, io.fsyncs AS buffers_backend_fsync,
       b.buffers_alloc, COALESCE(extract(epoch FROM b.stats_reset), 0) AS stats_reset
FROM pg_stat_checkpointer c, pg_stat_bgwriter b,
     (SELECT COALESCE(sum(writes), 0) AS writes, COALESCE(sum(fsyncs), 0) AS fsyncs FROM pg_stat_io
      WHERE object = 'relation' AND backend_type NOT IN ('background writer', 'checkpointer')) io)";

// From 18 on one write may be of several blocks, and its bytes are counted.
constexpr const char* bgwriter_18_sql = R"(
SELECT c.num_timed AS checkpoints_timed, c.num_requested AS checkpoints_req, c.write_time AS checkpoint_write_time,
       c.sync_time AS checkpoint_sync_time, c.buffers_written AS buffers_checkpoint,
       b.buffers_clean, b.maxwritten_clean, io.writes AS buffers_backend, io.fsyncs AS buffers_backend_fsync,
       b.buffers_alloc, COALESCE(extract(epoch FROM b.stats_reset), 0) AS stats_reset
FROM pg_stat_checkpointer c, pg_stat_bgwriter b,
     (SELECT COALESCE(sum(write_bytes), 0) / current_setting('block_size')::numeric AS writes,
             COALESCE(sum(fsyncs), 0) AS fsyncs FROM pg_stat_io
      WHERE object = 'relation' AND backend_type NOT IN ('background writer', 'checkpointer')) io)";

// Before 17 checkpoints and restartpoints are counted together.
constexpr const char* checkpointer_sql = R"(
SELECT checkpoints_timed AS num_timed, checkpoints_req AS num_requested, checkpoint_write_time AS write_time,
       checkpoint_sync_time AS sync_time, buffers_checkpoint AS buffers_written,
       COALESCE(extract(epoch FROM stats_reset), 0) AS stats_reset
FROM pg_stat_bgwriter)";

constexpr const char* checkpointer_17_sql = R"(
SELECT num_timed, num_requested, write_time, sync_time, buffers_written,
       restartpoints_timed, restartpoints_req, restartpoints_done,
       COALESCE(extract(epoch FROM stats_reset), 0) AS stats_reset
FROM pg_stat_checkpointer)";

constexpr const char* wal_files_sql = R"(
SELECT count(*) AS segments, COALESCE(sum(size), 0) AS size FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$')";

constexpr const char* wal_position_sql = R"(
SELECT CASE WHEN pg_is_in_recovery() THEN COALESCE(pg_last_wal_replay_lsn(), pg_last_wal_receive_lsn())
            ELSE pg_current_wal_lsn() END - '0/0'::pg_lsn AS position)";

constexpr const char* wal_sql = "SELECT wal_records, wal_fpi, wal_bytes, wal_buffers_full FROM pg_stat_wal";

constexpr const char* wal_writes_sql = R"(
SELECT wal_write AS writes, wal_sync AS syncs, wal_write_time AS write_time, wal_sync_time AS sync_time
FROM pg_stat_wal)";

constexpr const char* wal_writes_18_sql = R"(
SELECT COALESCE(sum(writes), 0) AS writes, COALESCE(sum(fsyncs), 0) AS syncs,
       COALESCE(sum(write_time), 0) AS write_time, COALESCE(sum(fsync_time), 0) AS sync_time
FROM pg_stat_io WHERE object = 'wal')";

constexpr const char* archiver_sql = R"(
SELECT archived_count, failed_count, extract(epoch FROM clock_timestamp() - last_archived_time) AS last_archive_age,
       failed_count > 0 AND last_failed_time > COALESCE(last_archived_time, '-infinity') AS failing
FROM pg_stat_archiver)";

constexpr const char* archive_backlog_sql =
    "SELECT count(*) AS ready FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'";

constexpr const char* io_sql = R"(
SELECT backend_type, object, context, reads, writes, extends, hits, evictions, reuses, fsyncs FROM pg_stat_io)";

constexpr const char* buffercache_sql =
    "SELECT buffers_used, buffers_unused, buffers_dirty, buffers_pinned, usagecount_avg FROM pg_buffercache_summary()";

// Each under its name of today and under the one that it had before, which dashboards still ask for.
void add_both(std::vector<Column>& columns, std::string_view column, const Metric& with_total, const Metric& without) {
  columns.push_back(value(column, with_total));
  columns.push_back(value(column, without));
}

#define SIDEWATCH_BOTH(column, help)                                                 \
  add_both(columns, #column, counter("pg_stat_bgwriter_" #column "_total", help),    \
           counter("pg_stat_bgwriter_" #column, help))

std::vector<Column> bgwriter_columns() {
  std::vector<Column> columns;
  SIDEWATCH_BOTH(checkpoints_timed, "Number of scheduled checkpoints that have been performed");
  SIDEWATCH_BOTH(checkpoints_req, "Number of requested checkpoints that have been performed");
  SIDEWATCH_BOTH(checkpoint_write_time, "Time that checkpoints spent writing files to disk, in milliseconds");
  SIDEWATCH_BOTH(checkpoint_sync_time, "Time that checkpoints spent synchronizing files to disk, in milliseconds");
  SIDEWATCH_BOTH(buffers_checkpoint, "Number of buffers written during checkpoints");
  SIDEWATCH_BOTH(buffers_clean, "Number of buffers written by the background writer");
  SIDEWATCH_BOTH(maxwritten_clean,
                 "Number of times the background writer stopped a cleaning scan because it had written too many buffers");
  SIDEWATCH_BOTH(buffers_backend, "Number of buffers written directly by a backend");
  SIDEWATCH_BOTH(buffers_backend_fsync, "Number of times a backend had to execute its own fsync call");
  SIDEWATCH_BOTH(buffers_alloc, "Number of buffers allocated");
  SIDEWATCH_BOTH(stats_reset, "Time at which these statistics were last reset");
  return columns;
}
#undef SIDEWATCH_BOTH

std::vector<Column> checkpointer_columns(bool restartpoints) {
  std::vector<Column> columns{
      value("num_timed", counter("pg_stat_checkpointer_num_timed_total", "Number of scheduled checkpoints")),
      value("num_requested", counter("pg_stat_checkpointer_num_requested_total", "Number of requested checkpoints")),
      value("write_time", counter("pg_stat_checkpointer_write_time_total",
                                  "Time spent writing files to disk, in milliseconds")),
      value("sync_time", counter("pg_stat_checkpointer_sync_time_total",
                                 "Time spent synchronizing files to disk, in milliseconds")),
      value("buffers_written", counter("pg_stat_checkpointer_buffers_written_total",
                                       "Number of buffers written during checkpoints and restartpoints")),
      value("stats_reset", counter("pg_stat_checkpointer_stats_reset_total",
                                   "Time at which these statistics were last reset"))};
  if (!restartpoints) return columns;
  columns.push_back(value("restartpoints_timed", counter("pg_stat_checkpointer_restartpoints_timed_total",
                                                         "Number of scheduled restartpoints")));
  columns.push_back(value("restartpoints_req", counter("pg_stat_checkpointer_restartpoints_req_total",
                                                       "Number of requested restartpoints")));
  columns.push_back(value("restartpoints_done", counter("pg_stat_checkpointer_restartpoints_done_total",
                                                        "Number of restartpoints that have been performed")));
  return columns;
}

std::vector<Column> wal_write_columns() {
  return {value("writes", counter("sidewatch_postgresql_wal_writes_total", "Writes of WAL buffers to disk.")),
          value("syncs", counter("sidewatch_postgresql_wal_syncs_total", "Times that WAL files were synced to disk.")),
          value("write_time", counter("sidewatch_postgresql_wal_write_seconds_total",
                                      "Time spent writing WAL (with track_wal_io_timing).", "seconds"), 0.001),
          value("sync_time", counter("sidewatch_postgresql_wal_sync_seconds_total",
                                     "Time spent syncing WAL (with track_wal_io_timing).", "seconds"), 0.001)};
}

void add_wal(std::vector<AskedQuery>& all) {
  all.push_back({{.name = "wal_files", .every = seldom}, wal_files_sql,
                 {value("segments", gauge("pg_wal_segments", "Number of WAL segments")),
                  value("size", gauge("pg_wal_size_bytes", "Total size of WAL segments", "bytes"))}});
  all.push_back({{.name = "wal_position"}, wal_position_sql,
                 {value("position", counter("sidewatch_postgresql_wal_position_bytes_total",
                                            "Where the write-ahead log ends, or on a standby how far it is replayed: "
                                            "its rate is how much is written.",
                                            "bytes"))}});
  all.push_back({{.name = "wal", .versions = from(14)}, wal_sql,
                 {value("wal_records", counter("sidewatch_postgresql_wal_records_total", "WAL records generated.")),
                  value("wal_fpi", counter("sidewatch_postgresql_wal_full_page_images_total",
                                           "Full page images in the WAL: many after each checkpoint.")),
                  value("wal_bytes", counter("sidewatch_postgresql_wal_bytes_total", "WAL generated.", "bytes")),
                  value("wal_buffers_full", counter("sidewatch_postgresql_wal_buffers_full_total",
                                                    "Times that WAL was written because its buffers were full."))}});
  all.push_back({{.name = "wal_writes", .versions = between(14, 17)}, wal_writes_sql, wal_write_columns()});
  all.push_back({{.name = "wal_writes", .versions = from(18)}, wal_writes_18_sql, wal_write_columns()});
}

void add_archiver(std::vector<AskedQuery>& all) {
  all.push_back({{.name = "archiver"}, archiver_sql,
                 {value("archived_count", counter("pg_stat_archiver_archived_count",
                                                  "Number of WAL files that have been successfully archived")),
                  value("failed_count", counter("pg_stat_archiver_failed_count",
                                                "Number of failed attempts for archiving WAL files")),
                  value("last_archive_age", gauge("pg_stat_archiver_last_archive_age",
                                                  "Time in seconds since last WAL segment was successfully archived; "
                                                  "absent when none was")),
                  value("failing", gauge("sidewatch_postgresql_archiver_failing",
                                         "Whether the last attempt to archive a WAL file failed."))}});
  all.push_back({{.name = "archive_backlog", .every = seldom}, archive_backlog_sql,
                 {value("ready", gauge("sidewatch_postgresql_archive_backlog_segments",
                                       "WAL segments that wait to be archived."))}});
}

AskedQuery io_query() {
  return {{.name = "io", .versions = from(16), .every = seldom}, io_sql,
          {label("backend_type"), label("object"), label("context"),
           value("reads", counter("sidewatch_postgresql_io_reads_total", "Read operations.")),
           value("writes", counter("sidewatch_postgresql_io_writes_total", "Write operations.")),
           value("extends", counter("sidewatch_postgresql_io_extends_total", "Operations that made a file longer.")),
           value("hits", counter("sidewatch_postgresql_io_hits_total", "Blocks found in shared buffers.")),
           value("evictions", counter("sidewatch_postgresql_io_evictions_total",
                                      "Blocks written out to make room for others.")),
           value("reuses", counter("sidewatch_postgresql_io_reuses_total",
                                   "Buffers of a ring used again, by VACUUM and large scans.")),
           value("fsyncs", counter("sidewatch_postgresql_io_fsyncs_total", "fsync calls."))}};
}

AskedQuery buffercache_query(Duration every) {
  return {{.name = "buffercache", .versions = from(16), .every = every}, buffercache_sql,
          {value("buffers_used", gauge("pg_buffercache_summary_buffers_used", "Number of used shared buffers")),
           value("buffers_unused", gauge("pg_buffercache_summary_buffers_unused", "Number of unused shared buffers")),
           value("buffers_dirty", gauge("pg_buffercache_summary_buffers_dirty", "Number of dirty shared buffers")),
           value("buffers_pinned", gauge("pg_buffercache_summary_buffers_pinned", "Number of pinned shared buffers")),
           value("usagecount_avg", gauge("pg_buffercache_summary_usagecount_avg",
                                         "Average usage count of used shared buffers"))}};
}

}  // namespace

std::vector<AskedQuery> server_queries(const PostgresqlConfig& config) {
  std::vector<AskedQuery> all{
      {{.name = "static", .every = seldom}, static_sql,
       {label("version"), label("short_version"),
        value("one", Metric{"pg_static", MetricType::untyped, "", "Version string as reported by postgres"})}},
      {{.name = "postmaster", .every = seldom}, postmaster_sql,
       {value("started", gauge("pg_postmaster_start_time_seconds", "Time at which postmaster started", "seconds"))}},
      {{.name = "bgwriter", .versions = before(17)}, bgwriter_sql, bgwriter_columns()},
      {{.name = "bgwriter", .versions = between(17, 17)}, bgwriter_17_sql, bgwriter_columns()},
      {{.name = "bgwriter", .versions = from(18)}, bgwriter_18_sql, bgwriter_columns()},
      {{.name = "checkpointer", .versions = before(17)}, checkpointer_sql, checkpointer_columns(false)},
      {{.name = "checkpointer", .versions = from(17)}, checkpointer_17_sql, checkpointer_columns(true)},
  };
  add_wal(all);
  add_archiver(all);
  all.push_back(io_query());
  if (config.buffercache) all.push_back(buffercache_query(config.tables.every));
  return all;
}

}  // namespace sidewatch::database::postgresql
