// How far long commands have come: VACUUM as postgres_exporter tells it, and all of them as one ratio.
#include "collectors/database/postgresql/queries.h"

namespace sidewatch::database::postgresql {
namespace {

// A table of another database has no name here, only its number.
#define SIDEWATCH_RELATION "COALESCE(CASE WHEN p.datname = current_database() THEN p.relid::regclass::text END, p.relid::text)"

constexpr const char* vacuum_sql = "SELECT p.datname, " SIDEWATCH_RELATION R"( AS relname,
       p.heap_blks_total, p.heap_blks_scanned, p.heap_blks_vacuumed, p.index_vacuum_count,
       p.max_dead_tuples AS max_dead, p.num_dead_tuples AS num_dead
FROM pg_stat_progress_vacuum p)";

// From 17 on the room for dead rows is counted in bytes, and what is in it by item.
constexpr const char* vacuum_17_sql = "SELECT p.datname, " SIDEWATCH_RELATION R"( AS relname,
       p.heap_blks_total, p.heap_blks_scanned, p.heap_blks_vacuumed, p.index_vacuum_count,
       p.max_dead_tuple_bytes AS max_dead, p.num_dead_item_ids AS num_dead
FROM pg_stat_progress_vacuum p)";

constexpr const char* vacuum_phase_sql = "SELECT p.datname, " SIDEWATCH_RELATION R"( AS relname, phases.phase,
       CASE WHEN p.phase = phases.phase THEN 1 ELSE 0 END AS here
FROM pg_stat_progress_vacuum p
CROSS JOIN unnest(ARRAY['initializing', 'scanning heap', 'vacuuming indexes', 'vacuuming heap', 'cleaning up indexes',
                        'truncating heap', 'performing final cleanup']) AS phases(phase))";

constexpr const char* vacuum_ratio_sql = "SELECT 'VACUUM' AS command, p.datname, " SIDEWATCH_RELATION R"( AS relname,
       max(p.heap_blks_scanned / greatest(p.heap_blks_total, 1)::float8) AS ratio
FROM pg_stat_progress_vacuum p GROUP BY 1, 2, 3)";

constexpr const char* create_index_sql = "SELECT p.command, p.datname, " SIDEWATCH_RELATION R"( AS relname,
       max(CASE WHEN p.blocks_total > 0 THEN p.blocks_done / p.blocks_total::float8
                ELSE p.tuples_done / greatest(p.tuples_total, 1)::float8 END) AS ratio
FROM pg_stat_progress_create_index p GROUP BY 1, 2, 3)";

constexpr const char* cluster_sql = "SELECT p.command, p.datname, " SIDEWATCH_RELATION R"( AS relname,
       max(p.heap_blks_scanned / greatest(p.heap_blks_total, 1)::float8) AS ratio
FROM pg_stat_progress_cluster p GROUP BY 1, 2, 3)";

constexpr const char* analyze_sql = "SELECT 'ANALYZE' AS command, p.datname, " SIDEWATCH_RELATION R"( AS relname,
       max(p.sample_blks_scanned / greatest(p.sample_blks_total, 1)::float8) AS ratio
FROM pg_stat_progress_analyze p GROUP BY 1, 2, 3)";

constexpr const char* copy_sql = "SELECT p.command, p.datname, " SIDEWATCH_RELATION R"( AS relname,
       max(CASE WHEN p.bytes_total > 0 THEN p.bytes_processed / p.bytes_total::float8 END) AS ratio
FROM pg_stat_progress_copy p GROUP BY 1, 2, 3)";

constexpr const char* basebackup_sql = R"(SELECT 'BASE_BACKUP' AS command, '' AS datname, '' AS relname,
       max(CASE WHEN backup_total > 0 THEN backup_streamed / backup_total::float8 END) AS ratio
FROM pg_stat_progress_basebackup HAVING count(*) > 0)";
#undef SIDEWATCH_RELATION

std::vector<Column> vacuum_columns() {
  return {label("datname"), label("relname"),
          value("heap_blks_total", gauge("pg_stat_progress_vacuum_heap_blks",
                                         "Total number of heap blocks in the table being vacuumed.")),
          value("heap_blks_scanned", gauge("pg_stat_progress_vacuum_heap_blks_scanned",
                                           "Number of heap blocks scanned so far.")),
          value("heap_blks_vacuumed", gauge("pg_stat_progress_vacuum_heap_blks_vacuumed",
                                            "Number of heap blocks vacuumed so far.")),
          value("index_vacuum_count", gauge("pg_stat_progress_vacuum_index_vacuums",
                                            "Number of completed index vacuum cycles.")),
          value("max_dead", gauge("pg_stat_progress_vacuum_max_dead_tuples",
                                  "Maximum number of dead tuples that can be stored before cleanup is performed; from "
                                  "PostgreSQL 17 on, bytes for them.")),
          value("num_dead", gauge("pg_stat_progress_vacuum_num_dead_tuples",
                                  "Current number of dead tuples found so far."))};
}

AskedQuery ratio_of(std::string_view name, const char* sql, Versions versions) {
  return {{.name = name, .versions = versions}, sql,
          {label("command"), label("datname"), label("relname"),
           value("ratio", gauge("sidewatch_postgresql_progress_ratio",
                                "How far a command that runs has come in its main phase; absent where the server "
                                "cannot tell.",
                                "ratio"))}};
}

}  // namespace

std::vector<AskedQuery> progress_queries(const PostgresqlConfig&) {
  return {
      {{.name = "progress_vacuum", .versions = before(17)}, vacuum_sql, vacuum_columns()},
      {{.name = "progress_vacuum", .versions = from(17)}, vacuum_17_sql, vacuum_columns()},
      {{.name = "progress_vacuum_phase"}, vacuum_phase_sql,
       {label("datname"), label("relname"), label("phase"),
        value("here", gauge("pg_stat_progress_vacuum_phase",
                            "Current vacuum phase (1 = active, 0 = inactive). Label 'phase' is human-readable."))}},
      ratio_of("progress_vacuum_ratio", vacuum_ratio_sql, {}),
      ratio_of("progress_create_index", create_index_sql, {}),
      ratio_of("progress_cluster", cluster_sql, {}),
      ratio_of("progress_analyze", analyze_sql, from(13)),
      ratio_of("progress_copy", copy_sql, from(14)),
      ratio_of("progress_basebackup", basebackup_sql, from(13)),
  };
}

}  // namespace sidewatch::database::postgresql
