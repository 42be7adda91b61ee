// What each database of the server did and holds, how near its transaction IDs are to their end, and how many may connect.
#include <chrono>

#include "collectors/database/postgresql/queries.h"

namespace sidewatch::database::postgresql {
namespace {

using namespace std::chrono_literals;

constexpr Duration seldom = 30s;  // what changes only when somebody changes it

// A row without a name is that of the shared catalogs.
constexpr const char* database_sql = R"(
SELECT datid, datname, numbackends, xact_commit, xact_rollback, blks_read, blks_hit, tup_returned, tup_fetched,
       tup_inserted, tup_updated, tup_deleted, conflicts, temp_files, temp_bytes, deadlocks, blk_read_time,
       blk_write_time, COALESCE(extract(epoch FROM stats_reset), 0) AS stats_reset, checksum_failures,
       extract(epoch FROM checksum_last_failure) AS checksum_last_failure
FROM pg_stat_database WHERE datname IS NOT NULL)";

constexpr const char* sessions_sql = R"(
SELECT datid, datname, session_time, active_time, idle_in_transaction_time, sessions, sessions_abandoned,
       sessions_fatal, sessions_killed
FROM pg_stat_database WHERE datname IS NOT NULL)";

constexpr const char* conflicts_sql = R"(
SELECT datid, datname, confl_tablespace, confl_lock, confl_snapshot, confl_bufferpin, confl_deadlock
FROM pg_stat_database_conflicts)";

// Asked of a database that one may not connect to, the function fails and would take the others with it.
constexpr const char* size_sql = R"(
SELECT datname, datconnlimit,
       CASE WHEN has_database_privilege(oid, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'USAGE')
            THEN pg_database_size(oid) END AS size
FROM pg_database)";

constexpr const char* wraparound_sql = R"(
SELECT datname, age(datfrozenxid) AS xid, mxid_age(datminmxid) AS mxid,
       greatest(age(datfrozenxid), mxid_age(datminmxid)) / 2147483648.0 AS ratio
FROM pg_database WHERE datallowconn)";

constexpr const char* roles_sql = "SELECT rolname, rolconnlimit FROM pg_roles";

constexpr Metric total(std::string_view name, std::string_view help) { return counter(name, help); }

AskedQuery database_query() {
  return {{.name = "database"}, database_sql,
          {label("datid"), label("datname"),
           value("numbackends", gauge("pg_stat_database_numbackends",
                                      "Number of backends currently connected to this database.")),
           value("xact_commit", total("pg_stat_database_xact_commit",
                                      "Number of transactions in this database that have been committed")),
           value("xact_rollback", total("pg_stat_database_xact_rollback",
                                        "Number of transactions in this database that have been rolled back")),
           value("blks_read", total("pg_stat_database_blks_read", "Number of disk blocks read in this database")),
           value("blks_hit", total("pg_stat_database_blks_hit",
                                   "Number of times disk blocks were found already in the buffer cache, so that a read "
                                   "was not necessary")),
           value("tup_returned", total("pg_stat_database_tup_returned",
                                       "Number of rows returned by queries in this database")),
           value("tup_fetched", total("pg_stat_database_tup_fetched",
                                      "Number of rows fetched by queries in this database")),
           value("tup_inserted", total("pg_stat_database_tup_inserted",
                                       "Number of rows inserted by queries in this database")),
           value("tup_updated", total("pg_stat_database_tup_updated",
                                      "Number of rows updated by queries in this database")),
           value("tup_deleted", total("pg_stat_database_tup_deleted",
                                      "Number of rows deleted by queries in this database")),
           value("conflicts", total("pg_stat_database_conflicts",
                                    "Number of queries canceled due to conflicts with recovery in this database.")),
           value("temp_files", total("pg_stat_database_temp_files",
                                     "Number of temporary files created by queries in this database.")),
           value("temp_bytes", total("pg_stat_database_temp_bytes",
                                     "Total amount of data written to temporary files by queries in this database.")),
           value("deadlocks", total("pg_stat_database_deadlocks", "Number of deadlocks detected in this database")),
           value("blk_read_time", total("pg_stat_database_blk_read_time",
                                        "Time spent reading data file blocks by backends in this database, in "
                                        "milliseconds (with track_io_timing)")),
           value("blk_write_time", total("pg_stat_database_blk_write_time",
                                         "Time spent writing data file blocks by backends in this database, in "
                                         "milliseconds (with track_io_timing)")),
           value("stats_reset", total("pg_stat_database_stats_reset",
                                      "Time at which these statistics were last reset; 0: never")),
           value("checksum_failures", total("pg_stat_database_checksum_failures",
                                            "Data pages with a wrong checksum; absent without data checksums")),
           value("checksum_last_failure", gauge("pg_stat_database_checksum_last_failure",
                                                "Time of the last of them; absent when there was none"))}};
}

AskedQuery sessions_query() {
  return {{.name = "database_sessions", .versions = from(14)}, sessions_sql,
          {label("datid"), label("datname"),
           value("session_time", total("pg_stat_database_session_time",
                                       "Time spent by sessions in this database, in milliseconds")),
           value("active_time", total("pg_stat_database_active_time",
                                      "Time spent executing SQL statements in this database, in milliseconds")),
           value("active_time", counter("pg_stat_database_active_time_seconds_total",
                                        "Time spent executing SQL statements in this database, in seconds", "seconds"),
                 0.001),
           value("idle_in_transaction_time",
                 total("pg_stat_database_idle_in_transaction_time",
                       "Time spent idling while in a transaction in this database, in milliseconds")),
           value("sessions", total("pg_stat_database_sessions", "Number of sessions established to this database")),
           value("sessions_abandoned", total("pg_stat_database_sessions_abandoned",
                                             "Sessions that ended because the connection to the client was lost")),
           value("sessions_fatal", total("pg_stat_database_sessions_fatal",
                                         "Sessions that ended by a fatal error")),
           value("sessions_killed", total("pg_stat_database_sessions_killed",
                                          "Sessions that ended because an operator ended them"))}};
}

AskedQuery conflicts_query() {
  return {{.name = "database_conflicts"}, conflicts_sql,
          {label("datid"), label("datname"),
           value("confl_tablespace", total("pg_stat_database_conflicts_confl_tablespace",
                                           "Queries canceled on a standby due to dropped tablespaces")),
           value("confl_lock", total("pg_stat_database_conflicts_confl_lock",
                                     "Queries canceled on a standby due to lock timeouts")),
           value("confl_snapshot", total("pg_stat_database_conflicts_confl_snapshot",
                                         "Queries canceled on a standby due to old snapshots")),
           value("confl_bufferpin", total("pg_stat_database_conflicts_confl_bufferpin",
                                          "Queries canceled on a standby due to pinned buffers")),
           value("confl_deadlock", total("pg_stat_database_conflicts_confl_deadlock",
                                         "Queries canceled on a standby due to deadlocks"))}};
}

}  // namespace

std::vector<AskedQuery> database_queries(const PostgresqlConfig& config) {
  return {
      database_query(),
      sessions_query(),
      conflicts_query(),
      {{.name = "database_size", .every = config.tables.every}, size_sql,
       {label("datname"),
        value("size", gauge("pg_database_size_bytes", "Disk space used by the database", "bytes")),
        value("datconnlimit", gauge("pg_database_connection_limit",
                                    "Connection limit set for the database; -1: none"))}},
      {{.name = "wraparound", .every = seldom}, wraparound_sql,
       {label("datname"),
        value("xid", gauge("pg_database_wraparound_age_datfrozenxid_seconds",
                           "Age of the oldest transaction ID that has not been frozen, in transactions.")),
        value("mxid", gauge("pg_database_wraparound_age_datminmxid_seconds",
                            "Age of the oldest multi-transaction ID that has been replaced with a transaction ID, in "
                            "multi-transactions.")),
        value("ratio", gauge("sidewatch_postgresql_wraparound_ratio",
                             "How much of the transaction IDs is used up before VACUUM has to freeze: at 1 the server "
                             "would stop taking writes.",
                             "ratio"))}},
      {{.name = "roles", .every = seldom}, roles_sql,
       {label("rolname"),
        value("rolconnlimit", gauge("pg_roles_connection_limit", "Connection limit set for the role; -1: none"))}},
  };
}

}  // namespace sidewatch::database::postgresql
