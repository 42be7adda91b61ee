// Who is connected and what they wait for: sessions, transactions, locks.
#include "collectors/database/postgresql/queries.h"

namespace sidewatch::database::postgresql {
namespace {

constexpr std::size_t most_activity_rows = 5000;

// As postgres_exporter has it: every database and state, with zeros, and who is in it.
constexpr const char* activity_sql = R"(
SELECT d.datname, s.state,
       COALESCE(a.usename, '') AS usename,
       COALESCE(a.application_name, '') AS application_name,
       COALESCE(a.backend_type, '') AS backend_type,
       COALESCE(a.wait_event_type, '') AS wait_event_type,
       COALESCE(a.wait_event, '') AS wait_event,
       COALESCE(a.count, 0) AS count,
       COALESCE(a.max_tx_duration, 0) AS max_tx_duration
FROM pg_database d
CROSS JOIN unnest(ARRAY['active', 'idle', 'idle in transaction', 'idle in transaction (aborted)',
                        'fastpath function call', 'disabled']) AS s(state)
LEFT JOIN (SELECT datname, state, COALESCE(usename, '') AS usename,
                  COALESCE(application_name, '') AS application_name, COALESCE(backend_type, '') AS backend_type,
                  COALESCE(wait_event_type, '') AS wait_event_type, COALESCE(wait_event, '') AS wait_event,
                  count(*) AS count,
                  max(extract(epoch FROM clock_timestamp() - xact_start)) AS max_tx_duration
           FROM pg_stat_activity
           WHERE pid <> pg_backend_pid()
           GROUP BY 1, 2, 3, 4, 5, 6, 7) a
  ON a.datname = d.datname AND a.state = s.state)";

// What counts against max_connections is what clients hold; some of it is kept for superusers. Whoever may not see a
// session's type is shown none, and takes it for a client's.
constexpr const char* connections_sql = R"(
WITH seat AS (
  SELECT current_setting('max_connections')::float8 - current_setting('superuser_reserved_connections')::float8
         - COALESCE(current_setting('reserved_connections', true), '0')::float8 AS usable),
client AS (
  SELECT * FROM pg_stat_activity
  WHERE backend_type = 'client backend' OR (backend_type IS NULL AND datid IS NOT NULL))
SELECT count(*) AS used,
       count(*) FILTER (WHERE state = 'active') AS active,
       count(*) FILTER (WHERE state = 'idle') AS idle,
       count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS idle_in_transaction,
       count(*) FILTER (WHERE wait_event_type = 'Lock') AS waiting,
       (SELECT usable FROM seat) AS usable,
       count(*) / (SELECT greatest(usable, 1) FROM seat) AS ratio,
       COALESCE(max(extract(epoch FROM clock_timestamp() - xact_start)) FILTER (WHERE pid <> pg_backend_pid()), 0)
         AS longest_transaction,
       COALESCE(max(extract(epoch FROM clock_timestamp() - query_start))
                  FILTER (WHERE state = 'active' AND pid <> pg_backend_pid()), 0) AS longest_query,
       COALESCE(max(extract(epoch FROM clock_timestamp() - state_change))
                  FILTER (WHERE state LIKE 'idle in transaction%'), 0) AS longest_idle
FROM client)";

constexpr const char* locks_sql = R"(
SELECT d.datname, m.mode, COALESCE(l.count, 0) AS count
FROM pg_database d
CROSS JOIN unnest(ARRAY['accesssharelock', 'rowsharelock', 'rowexclusivelock', 'shareupdateexclusivelock', 'sharelock',
                        'sharerowexclusivelock', 'exclusivelock', 'accessexclusivelock', 'sireadlock']) AS m(mode)
LEFT JOIN (SELECT database, lower(mode) AS mode, count(*) AS count FROM pg_locks
           WHERE database IS NOT NULL GROUP BY 1, 2) l
  ON l.database = d.oid AND l.mode = m.mode)";

// pg_blocking_pids holds the lock manager up, so it is asked only of those who wait.
constexpr const char* blocked_sql = R"(
WITH waiting AS (
  SELECT pg_blocking_pids(pid) AS blockers, extract(epoch FROM clock_timestamp() - query_start) AS seconds
  FROM pg_stat_activity WHERE wait_event_type = 'Lock')
SELECT count(*) AS blocked, COALESCE(max(seconds), 0) AS longest,
       (SELECT count(DISTINCT b) FROM waiting, unnest(blockers) AS b) AS blocking
FROM waiting)";

// From 14 on the server says since when somebody waits, which is not since when its statement runs.
constexpr const char* blocked_14_sql = R"(
WITH waiting AS (
  SELECT pg_blocking_pids(a.pid) AS blockers,
         (SELECT max(extract(epoch FROM clock_timestamp() - l.waitstart)) FROM pg_locks l
          WHERE l.pid = a.pid AND NOT l.granted) AS seconds
  FROM pg_stat_activity a WHERE wait_event_type = 'Lock')
SELECT count(*) AS blocked, COALESCE(max(seconds), 0) AS longest,
       (SELECT count(DISTINCT b) FROM waiting, unnest(blockers) AS b) AS blocking
FROM waiting)";

constexpr const char* long_running_sql = R"(
SELECT count(*) AS transactions,
       COALESCE(max(extract(epoch FROM clock_timestamp() - xact_start)), 0) AS oldest
FROM pg_stat_activity
WHERE state IS DISTINCT FROM 'idle' AND query NOT LIKE 'autovacuum:%' AND xact_start IS NOT NULL
  AND pid <> pg_backend_pid())";

constexpr const char* prepared_sql = R"(
SELECT d.datname, count(p.gid) AS transactions,
       COALESCE(max(extract(epoch FROM clock_timestamp() - p.prepared)), 0) AS oldest
FROM pg_database d LEFT JOIN pg_prepared_xacts p ON p.database = d.datname
WHERE d.datallowconn GROUP BY 1)";

constexpr const char* autovacuum_sql = R"(
SELECT split_part(query, '.', 2) AS relname, min(extract(epoch FROM xact_start)) AS started
FROM pg_stat_activity WHERE query LIKE 'autovacuum:%' AND backend_type = 'autovacuum worker' GROUP BY 1)";

constexpr const char* workers_sql = R"(
SELECT count(*) FILTER (WHERE backend_type = 'autovacuum worker') AS running,
       count(*) FILTER (WHERE backend_type = 'autovacuum worker')
         / greatest(current_setting('autovacuum_max_workers')::float8, 1) AS ratio,
       COALESCE(max(age(backend_xmin)), 0) AS horizon
FROM pg_stat_activity)";

std::vector<Column> blocked_columns() {
  return {value("blocked", gauge("sidewatch_postgresql_blocked_sessions", "Sessions that wait for a lock.")),
          value("blocking", gauge("sidewatch_postgresql_blocking_sessions",
                                  "Sessions that hold, or wait before others for, a lock that somebody waits for.")),
          value("longest", gauge("sidewatch_postgresql_longest_lock_wait_seconds",
                                 "How long the session has waited that has waited longest for a lock; before "
                                 "PostgreSQL 14, since when its statement runs.",
                                 "seconds"))};
}

AskedQuery activity_query() {
  return {{.name = "activity", .max_rows = most_activity_rows}, activity_sql,
          {label("datname"), label("state"), label("usename"), label("application_name"), label("backend_type"),
           label("wait_event_type"), label("wait_event"),
           value("count", gauge("pg_stat_activity_count", "number of connections in this state")),
           value("max_tx_duration",
                 gauge("pg_stat_activity_max_tx_duration",
                       "max duration in seconds any active transaction has been running"))}};
}

AskedQuery connections_query() {
  return {{.name = "connections"}, connections_sql,
          {value("used", gauge("sidewatch_postgresql_connections",
                               "Connections that clients hold, this agent's included.")),
           value("active", gauge("sidewatch_postgresql_connections_active", "Those with a statement that runs.")),
           value("idle", gauge("sidewatch_postgresql_connections_idle", "Those that wait for their client.")),
           value("idle_in_transaction",
                 gauge("sidewatch_postgresql_connections_idle_in_transaction",
                       "Those that wait for their client in an open transaction.")),
           value("waiting", gauge("sidewatch_postgresql_connections_waiting", "Those that wait for a lock.")),
           value("usable", gauge("sidewatch_postgresql_connections_limit",
                                 "How many there may be: max_connections less those that are kept for superusers.")),
           value("ratio", gauge("sidewatch_postgresql_connection_usage_ratio", "Connections against that limit.",
                                "ratio")),
           value("longest_transaction", gauge("sidewatch_postgresql_longest_transaction_seconds",
                                              "Age of the oldest open transaction of a client.", "seconds")),
           value("longest_query", gauge("sidewatch_postgresql_longest_query_seconds",
                                        "How long the statement runs that has run longest.", "seconds")),
           value("longest_idle", gauge("sidewatch_postgresql_longest_idle_in_transaction_seconds",
                                       "How long the session has been idle that has been so longest in an open "
                                       "transaction.",
                                       "seconds"))}};
}

}  // namespace

std::vector<AskedQuery> activity_queries(const PostgresqlConfig&) {
  return {
      activity_query(),
      connections_query(),
      {{.name = "locks", .max_rows = most_activity_rows}, locks_sql,
       {label("datname"), label("mode"), value("count", gauge("pg_locks_count", "Number of locks"))}},
      {{.name = "blocked", .versions = before(14)}, blocked_sql, blocked_columns()},
      {{.name = "blocked", .versions = from(14)}, blocked_14_sql, blocked_columns()},
      {{.name = "long_running_transactions"}, long_running_sql,
       {value("transactions", gauge("pg_long_running_transactions", "Current number of long running transactions")),
        value("oldest", gauge("pg_long_running_transactions_oldest_timestamp_seconds",
                              "The current maximum transaction age in seconds", "seconds"))}},
      {{.name = "prepared_transactions"}, prepared_sql,
       {label("datname"),
        value("transactions", gauge("sidewatch_postgresql_prepared_transactions",
                                    "Transactions that are prepared (two-phase commit) and not ended.")),
        value("oldest", gauge("sidewatch_postgresql_oldest_prepared_transaction_seconds",
                              "Age of the oldest of them.", "seconds"))}},
      {{.name = "autovacuum"}, autovacuum_sql,
       {label("relname"), value("started", gauge("pg_stat_activity_autovacuum_timestamp_seconds",
                                                 "Start timestamp of the vacuum process in seconds", "seconds"))}},
      {{.name = "autovacuum_workers"}, workers_sql,
       {value("running", gauge("sidewatch_postgresql_autovacuum_workers", "Autovacuum workers that are at work.")),
        value("ratio", gauge("sidewatch_postgresql_autovacuum_worker_usage_ratio",
                             "Autovacuum workers at work against autovacuum_max_workers.", "ratio")),
        value("horizon", gauge("sidewatch_postgresql_oldest_snapshot_age",
                               "Transactions since the oldest snapshot that a session holds: what died later "
                               "cannot be vacuumed."))}},
  };
}

}  // namespace sidewatch::database::postgresql
