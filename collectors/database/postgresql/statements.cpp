// On request: the statements that take the most time, by the extension pg_stat_statements.
//
// One statement may stand there several times (for each nesting level); its figures are added up. Which ones are among
// the first changes, so a statement that falls out loses its series and gets them back when it returns.
#include <string>

#include "collectors/database/postgresql/queries.h"

namespace sidewatch::database::postgresql {
namespace {

constexpr const char* statements_sql = R"(
SELECT pg_get_userbyid(s.userid) AS "user", d.datname, s.queryid,
       sum(s.calls) AS calls, sum(s.$TIME) / 1000.0 AS seconds, sum(s.rows) AS rows,
       sum(s.$READ) / 1000.0 AS read_seconds, sum(s.$WRITE) / 1000.0 AS write_seconds,
       sum(s.shared_blks_read) AS blocks_read, sum(s.shared_blks_hit) AS blocks_hit,
       sum(s.temp_blks_written) AS temp_blocks
FROM pg_stat_statements(false) s JOIN pg_database d ON d.oid = s.dbid
WHERE s.queryid IS NOT NULL
GROUP BY 1, 2, 3 ORDER BY sum(s.$TIME) DESC LIMIT $TOP)";

constexpr const char* text_sql = R"(
SELECT s.queryid, max(left(regexp_replace(s.query, '\s+', ' ', 'g'), 120)) AS query, 1 AS one
FROM pg_stat_statements s
WHERE s.queryid IN (SELECT queryid FROM pg_stat_statements(false) WHERE queryid IS NOT NULL
                    GROUP BY queryid ORDER BY sum($TIME) DESC LIMIT $TOP)
GROUP BY 1)";

struct Names {
  std::string_view time;
  std::string_view read;
  std::string_view write;
};
constexpr Names names_12{"total_time", "blk_read_time", "blk_write_time"};
constexpr Names names_13{"total_exec_time", "blk_read_time", "blk_write_time"};
constexpr Names names_17{"total_exec_time", "shared_blk_read_time", "shared_blk_write_time"};

void replace_all(std::string& text, std::string_view mark, std::string_view by) {
  for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + by.size())) {
    text.replace(at, mark.size(), by);
  }
}

std::string filled_in(std::string sql, const Names& names, std::int64_t top) {
  replace_all(sql, "$TIME", names.time);
  replace_all(sql, "$READ", names.read);
  replace_all(sql, "$WRITE", names.write);
  replace_all(sql, "$TOP", std::to_string(top));
  return sql;
}

std::vector<Column> columns() {
  return {label("user"), label("datname"), label("queryid"),
          value("calls", counter("pg_stat_statements_calls_total", "Number of times executed")),
          value("seconds", counter("pg_stat_statements_seconds_total",
                                   "Total time spent in the statement, in seconds", "seconds")),
          value("rows", counter("pg_stat_statements_rows_total",
                                "Total number of rows retrieved or affected by the statement")),
          value("read_seconds", counter("pg_stat_statements_block_read_seconds_total",
                                        "Total time the statement spent reading blocks, in seconds", "seconds")),
          value("write_seconds", counter("pg_stat_statements_block_write_seconds_total",
                                         "Total time the statement spent writing blocks, in seconds", "seconds")),
          value("blocks_read", counter("sidewatch_postgresql_statement_blocks_read_total",
                                       "Blocks that the statement read from outside of the shared buffers.")),
          value("blocks_hit", counter("sidewatch_postgresql_statement_blocks_hit_total",
                                      "Blocks that the statement found in the shared buffers.")),
          value("temp_blocks", counter("sidewatch_postgresql_statement_temp_blocks_written_total",
                                       "Blocks of temporary files that the statement wrote."))};
}

}  // namespace

std::vector<AskedQuery> statement_queries(const PostgresqlConfig& config) {
  if (!config.statements) return {};
  const auto& wanted = *config.statements;
  const auto limited = [&wanted](std::string_view name, Versions versions) {
    return Query{.name = name,
                 .versions = versions,
                 .every = wanted.every,
                 .max_rows = static_cast<std::size_t>(wanted.top)};
  };
  std::vector<AskedQuery> all{
      {limited("statements", before(13)), filled_in(statements_sql, names_12, wanted.top), columns()},
      {limited("statements", between(13, 16)), filled_in(statements_sql, names_13, wanted.top), columns()},
      {limited("statements", from(17)), filled_in(statements_sql, names_17, wanted.top), columns()},
  };
  if (!wanted.text) return all;
  const std::vector<Column> text{
      label("queryid"), label("query"),
      value("one", Metric{"pg_stat_statements_query_id", MetricType::counter, "", "SQL Query to queryid mapping"})};
  all.push_back({limited("statement_texts", before(13)), filled_in(text_sql, names_12, wanted.top), text});
  all.push_back({limited("statement_texts", from(13)), filled_in(text_sql, names_13, wanted.top), text});
  return all;
}

}  // namespace sidewatch::database::postgresql
