// Tables and indexes of the database that is connected to (a session sees no other's).
//
// Which are the largest is taken from the server's own estimate (relpages), as measuring all of them would open each. A
// table that somebody holds exclusively (ALTER TABLE, VACUUM FULL) is not measured: whoever asks for its size waits until
// that is over, and the others' figures with it.
#include <string>

#include "collectors/database/postgresql/queries.h"

namespace sidewatch::database::postgresql {
namespace {

constexpr const char* held_sql = R"(
held AS (SELECT relation FROM pg_locks
         WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
unmeasured AS (SELECT relation AS oid FROM held
               UNION SELECT indrelid FROM pg_index JOIN held ON indexrelid = relation
               UNION SELECT c.oid FROM pg_class c JOIN held ON c.reltoastrelid = relation))";

constexpr const char* tables_sql = R"(,
largest AS (SELECT c.oid, c.relpages, c.reltuples FROM pg_class c JOIN pg_stat_user_tables s ON s.relid = c.oid
            ORDER BY c.relpages DESC, s.n_live_tup DESC, c.oid LIMIT $MAX)
SELECT current_database() AS datname, s.schemaname, s.relname, s.seq_scan, s.seq_tup_read, s.idx_scan, s.idx_tup_fetch,
       s.n_tup_ins, s.n_tup_upd, s.n_tup_del, s.n_tup_hot_upd, s.n_live_tup, s.n_dead_tup, s.n_mod_since_analyze,
       COALESCE(extract(epoch FROM s.last_vacuum), 0) AS last_vacuum,
       COALESCE(extract(epoch FROM s.last_autovacuum), 0) AS last_autovacuum,
       COALESCE(extract(epoch FROM s.last_analyze), 0) AS last_analyze,
       COALESCE(extract(epoch FROM s.last_autoanalyze), 0) AS last_autoanalyze,
       s.vacuum_count, s.autovacuum_count, s.analyze_count, s.autoanalyze_count,
       CASE WHEN u.oid IS NULL THEN pg_indexes_size(s.relid) END AS index_size,
       CASE WHEN u.oid IS NULL THEN pg_table_size(s.relid) END AS table_size,
       s.n_dead_tup / greatest(s.n_live_tup + s.n_dead_tup, 1)::float8 AS dead_ratio
FROM largest JOIN pg_stat_user_tables s ON s.relid = largest.oid LEFT JOIN unmeasured u ON u.oid = largest.oid)";

constexpr const char* statio_sql = R"(
SELECT current_database() AS datname, s.schemaname, s.relname, s.heap_blks_read, s.heap_blks_hit,
       COALESCE(s.idx_blks_read, 0) AS idx_blks_read, COALESCE(s.idx_blks_hit, 0) AS idx_blks_hit,
       COALESCE(s.toast_blks_read, 0) AS toast_blks_read, COALESCE(s.toast_blks_hit, 0) AS toast_blks_hit,
       COALESCE(s.tidx_blks_read, 0) AS tidx_blks_read, COALESCE(s.tidx_blks_hit, 0) AS tidx_blks_hit
FROM pg_statio_user_tables s JOIN pg_class c ON c.oid = s.relid ORDER BY c.relpages DESC, s.relid LIMIT $MAX)";

constexpr const char* indexes_sql = R"(
SELECT s.schemaname, s.relname, s.indexrelname, io.idx_blks_read, io.idx_blks_hit, s.idx_scan, s.idx_tup_read,
       c.relpages * current_setting('block_size')::float8 AS size, i.indisvalid AS valid
FROM pg_stat_user_indexes s JOIN pg_statio_user_indexes io USING (indexrelid)
JOIN pg_class c ON c.oid = s.indexrelid JOIN pg_index i ON i.indexrelid = s.indexrelid
ORDER BY c.relpages DESC, s.indexrelid LIMIT $MAX)";

// Rows of the average width that ANALYZE found, packed as tightly as the fill factor allows, against the pages there are.
constexpr const char* bloat_sql = R"(
WITH width AS (
  SELECT schemaname, tablename, sum((1 - null_frac) * avg_width) AS bytes, max(null_frac) > 0 AS nulls, count(*) AS columns
  FROM pg_stats GROUP BY 1, 2),
packed AS (
  SELECT n.nspname, c.relname, c.relpages,
         ceil(c.reltuples * (28 + CASE WHEN w.nulls THEN ceil(w.columns / 8.0) ELSE 0 END + ceil(w.bytes / 8) * 8)
              / ((current_setting('block_size')::float8 - 24)
                 * COALESCE((SELECT substring(o from 'fillfactor=([0-9]+)') FROM unnest(c.reloptions) AS o
                             WHERE o LIKE 'fillfactor=%'), '100')::float8 / 100)) AS pages
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN width w ON w.schemaname = n.nspname AND w.tablename = c.relname
  WHERE c.relkind = 'r' AND c.reltuples > 0 AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  ORDER BY c.relpages DESC LIMIT $MAX)
SELECT current_database() AS datname, nspname AS schemaname, relname,
       greatest(relpages - pages, 0) * current_setting('block_size')::float8 AS bytes,
       greatest(relpages - pages, 0) / greatest(relpages, 1)::float8 AS ratio
FROM packed)";

std::string with_max(std::string sql, std::int64_t max) {
  static constexpr std::string_view mark = "$MAX";
  sql.replace(sql.find(mark), mark.size(), std::to_string(max));
  return sql;
}

Metric rows(std::string_view name, std::string_view help) { return counter(name, help); }

std::vector<Column> of_a_table(std::vector<Column> values) {
  values.insert(values.begin(), {label("datname"), label("schemaname"), label("relname")});
  return values;
}

std::vector<Column> table_columns() {
  return of_a_table({
      value("seq_scan", rows("pg_stat_user_tables_seq_scan", "Number of sequential scans initiated on this table")),
      value("seq_tup_read", rows("pg_stat_user_tables_seq_tup_read",
                                 "Number of live rows fetched by sequential scans")),
      value("idx_scan", rows("pg_stat_user_tables_idx_scan", "Number of index scans initiated on this table")),
      value("idx_tup_fetch", rows("pg_stat_user_tables_idx_tup_fetch", "Number of live rows fetched by index scans")),
      value("n_tup_ins", rows("pg_stat_user_tables_n_tup_ins", "Number of rows inserted")),
      value("n_tup_upd", rows("pg_stat_user_tables_n_tup_upd", "Number of rows updated")),
      value("n_tup_del", rows("pg_stat_user_tables_n_tup_del", "Number of rows deleted")),
      value("n_tup_hot_upd", rows("pg_stat_user_tables_n_tup_hot_upd",
                                  "Number of rows HOT updated (i.e., with no separate index update required)")),
      value("n_live_tup", gauge("pg_stat_user_tables_n_live_tup", "Estimated number of live rows")),
      value("n_dead_tup", gauge("pg_stat_user_tables_n_dead_tup", "Estimated number of dead rows")),
      value("n_mod_since_analyze", gauge("pg_stat_user_tables_n_mod_since_analyze",
                                         "Estimated number of rows changed since last analyze")),
      value("last_vacuum", gauge("pg_stat_user_tables_last_vacuum",
                                 "Last time at which this table was manually vacuumed; 0: never")),
      value("last_autovacuum", gauge("pg_stat_user_tables_last_autovacuum",
                                     "Last time at which this table was vacuumed by the autovacuum daemon; 0: never")),
      value("last_analyze", gauge("pg_stat_user_tables_last_analyze",
                                  "Last time at which this table was manually analyzed; 0: never")),
      value("last_autoanalyze", gauge("pg_stat_user_tables_last_autoanalyze",
                                      "Last time at which this table was analyzed by the autovacuum daemon; 0: never")),
      value("vacuum_count", rows("pg_stat_user_tables_vacuum_count",
                                 "Number of times this table has been manually vacuumed")),
      value("autovacuum_count", rows("pg_stat_user_tables_autovacuum_count",
                                     "Number of times this table has been vacuumed by the autovacuum daemon")),
      value("analyze_count", rows("pg_stat_user_tables_analyze_count",
                                  "Number of times this table has been manually analyzed")),
      value("autoanalyze_count", rows("pg_stat_user_tables_autoanalyze_count",
                                      "Number of times this table has been analyzed by the autovacuum daemon")),
      value("index_size", gauge("pg_stat_user_tables_index_size_bytes",
                                "Total disk space used by the indexes of this table, in bytes", "bytes")),
      value("table_size", gauge("pg_stat_user_tables_table_size_bytes",
                                "Total disk space used by this table, in bytes", "bytes")),
      value("dead_ratio", gauge("sidewatch_postgresql_table_dead_ratio",
                                "Dead rows against all rows of this table: what VACUUM would make free.", "ratio")),
  });
}

std::vector<Column> statio_columns() {
  return of_a_table({
      value("heap_blks_read", counter("pg_statio_user_tables_heap_blocks_read",
                                      "Number of disk blocks read from this table")),
      value("heap_blks_hit", counter("pg_statio_user_tables_heap_blocks_hit", "Number of buffer hits in this table")),
      value("idx_blks_read", counter("pg_statio_user_tables_idx_blocks_read",
                                     "Number of disk blocks read from all indexes on this table")),
      value("idx_blks_hit", counter("pg_statio_user_tables_idx_blocks_hit",
                                    "Number of buffer hits in all indexes on this table")),
      value("toast_blks_read", counter("pg_statio_user_tables_toast_blocks_read",
                                       "Number of disk blocks read from this table's TOAST table (if any)")),
      value("toast_blks_hit", counter("pg_statio_user_tables_toast_blocks_hit",
                                      "Number of buffer hits in this table's TOAST table (if any)")),
      value("tidx_blks_read", counter("pg_statio_user_tables_tidx_blocks_read",
                                      "Number of disk blocks read from this table's TOAST table indexes (if any)")),
      value("tidx_blks_hit", counter("pg_statio_user_tables_tidx_blocks_hit",
                                     "Number of buffer hits in this table's TOAST table indexes (if any)")),
  });
}

std::vector<Column> index_columns() {
  return {label("schemaname"), label("relname"), label("indexrelname"),
          value("idx_blks_read", counter("pg_statio_user_indexes_idx_blks_read_total",
                                         "Number of disk blocks read from this index")),
          value("idx_blks_hit", counter("pg_statio_user_indexes_idx_blks_hit_total",
                                        "Number of buffer hits in this index")),
          value("idx_scan", counter("sidewatch_postgresql_index_scans_total",
                                    "Scans of this index: one that nobody scans only costs.")),
          value("idx_tup_read", counter("sidewatch_postgresql_index_entries_read_total",
                                        "Entries that scans of this index returned.")),
          value("size", gauge("sidewatch_postgresql_index_size_bytes",
                              "Size of this index, as VACUUM or ANALYZE last saw it.", "bytes")),
          value("valid", gauge("sidewatch_postgresql_index_valid",
                               "0 when it was left invalid by CREATE INDEX CONCURRENTLY and serves no query."))};
}

}  // namespace

std::vector<AskedQuery> table_queries(const PostgresqlConfig& config) {
  const auto& tables = config.tables;
  if (tables.max == 0) return {};
  const auto limited = [&tables](std::string_view name) {
    return Query{.name = name, .every = tables.every, .max_rows = static_cast<std::size_t>(tables.max)};
  };
  std::vector<AskedQuery> all{
      {limited("tables"), with_max(std::string("\nWITH") + held_sql + tables_sql, tables.max), table_columns()},
      {limited("table_io"), with_max(statio_sql, tables.max), statio_columns()},
      {limited("indexes"), with_max(indexes_sql, tables.max), index_columns()},
  };
  if (!tables.bloat) return all;
  all.push_back({limited("bloat"), with_max(bloat_sql, tables.max),
                 of_a_table({value("bytes", gauge("sidewatch_postgresql_table_bloat_bytes",
                                                  "Estimate of the space that this table takes beyond its rows.",
                                                  "bytes")),
                             value("ratio", gauge("sidewatch_postgresql_table_bloat_ratio",
                                                  "The same against its size.", "ratio"))})});
  return all;
}

}  // namespace sidewatch::database::postgresql
