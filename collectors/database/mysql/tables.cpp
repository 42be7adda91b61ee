// What is stored: tables and databases by size, and on request how far auto_increment columns are from their end and how
// much the binary logs hold. information_schema shows only the tables that the user has a privilege for.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "collectors/database/mysql/queries.h"
#include "collectors/database/mysql/value.h"

namespace sidewatch::database::mysql {
namespace {

using namespace std::chrono_literals;

constexpr Duration slow = 10s;  // where there are many tables
constexpr std::size_t most_schemas = 500;
constexpr std::int64_t most_columns = 200;
constexpr std::size_t most_binary_logs = 10'000;
constexpr Duration binary_logs_every = 1min;

constexpr const char* own_schemas = "('mysql', 'performance_schema', 'information_schema', 'sys')";

constexpr Metric table_rows_metric = gauge(
    "mysql_info_schema_table_rows", "The estimated number of rows in the table from information_schema.tables");
constexpr Metric table_size_metric =
    gauge("mysql_info_schema_table_size", "The size of the table components from information_schema.tables");
constexpr Metric table_version_metric =
    gauge("mysql_info_schema_table_version", "The version number of the table's .frm file");
constexpr Metric schema_size_metric =
    gauge("sidewatch_mysql_schema_size_bytes", "Data and indexes of a database's tables.", "bytes");
constexpr Metric schema_tables_metric = gauge("sidewatch_mysql_schema_tables", "Tables of a database.");
constexpr Metric increment_metric = gauge("mysql_info_schema_auto_increment_column",
                                          "The current value of an auto_increment column from information_schema.");
constexpr Metric increment_max_metric = gauge("mysql_info_schema_auto_increment_column_max",
                                              "The max value of an auto_increment column from information_schema.");
constexpr Metric increment_ratio_metric =
    gauge("sidewatch_mysql_auto_increment_ratio", "How much of an auto_increment column's numbers is used.", "ratio");
constexpr Metric logs_size_metric =
    gauge("mysql_binlog_size_bytes", "Combined size of all registered binlog files.", "bytes");
constexpr Metric logs_files_metric = gauge("mysql_binlog_files", "Number of registered binlog files.");
constexpr Metric logs_number_metric = gauge("mysql_binlog_file_number", "The last binlog file number.");

std::string largest_tables(const MysqlConfig& config, std::string_view columns) {
  return "SELECT " + std::string(columns) + " FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND " +
         "table_schema NOT IN " + own_schemas +
         " ORDER BY COALESCE(data_length, 0) + COALESCE(index_length, 0) DESC, table_schema, table_name LIMIT " +
         std::to_string(config.tables.max);
}

// Each component is a series of its own, so each table comes in one row for each.
std::string sizes_sql(const MysqlConfig& config) {
  const auto tables = largest_tables(config, "table_schema, table_name, data_length, index_length, data_free");
  return "SELECT t.table_schema AS schema_name, t.table_name AS table_name, c.component AS component, "
         "CASE c.component WHEN 'data_length' THEN COALESCE(t.data_length, 0) "
         "WHEN 'index_length' THEN COALESCE(t.index_length, 0) ELSE COALESCE(t.data_free, 0) END AS bytes "
         "FROM (" + tables + ") t CROSS JOIN (SELECT 'data_length' AS component UNION ALL SELECT 'index_length' "
         "UNION ALL SELECT 'data_free') c";
}

std::string rows_sql(const MysqlConfig& config) {
  return largest_tables(config,
                        "table_schema AS schema_name, table_name AS table_name, table_type AS type_name, "
                        "COALESCE(engine, 'NONE') AS engine_name, COALESCE(row_format, 'NONE') AS row_format_name, "
                        "COALESCE(create_options, 'NONE') AS options, COALESCE(version, 0) AS version_number");
}

std::string counts_sql(const MysqlConfig& config) {
  return largest_tables(config, "table_schema AS schema_name, table_name AS table_name, COALESCE(table_rows, 0) AS n");
}

std::string schemas_sql() {
  return std::string("SELECT table_schema AS schema_name, COUNT(*) AS tables_of_it, "
                     "COALESCE(SUM(data_length + index_length), 0) AS bytes FROM information_schema.tables "
                     "WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ") +
         own_schemas + " GROUP BY table_schema";
}

std::string increments_sql() {
  return std::string(
             "SELECT c.table_schema AS schema_name, c.table_name AS table_name, c.column_name AS column_name, "
             "t.auto_increment AS current_value, "
             "POW(2, CASE c.data_type WHEN 'tinyint' THEN 7 WHEN 'smallint' THEN 15 WHEN 'mediumint' THEN 23 "
             "WHEN 'int' THEN 31 WHEN 'bigint' THEN 63 END + (c.column_type LIKE '% unsigned')) - 1 AS max_value, "
             "t.auto_increment / (POW(2, CASE c.data_type WHEN 'tinyint' THEN 7 WHEN 'smallint' THEN 15 "
             "WHEN 'mediumint' THEN 23 WHEN 'int' THEN 31 WHEN 'bigint' THEN 63 END "
             "+ (c.column_type LIKE '% unsigned')) - 1) AS used "
             "FROM information_schema.columns c JOIN information_schema.tables t "
             "ON t.table_schema = c.table_schema AND t.table_name = c.table_name "
             "WHERE c.extra LIKE '%auto_increment%' AND t.auto_increment IS NOT NULL AND c.table_schema NOT IN ") +
         own_schemas + " ORDER BY used DESC LIMIT " + std::to_string(most_columns);
}

class BinaryLogsSink final : public RowSink {
 public:
  explicit BinaryLogsSink(const SinkContext& context)
      : size_(context.catalog.series(logs_size_metric, context.labels)),
        files_(context.catalog.series(logs_files_metric, context.labels)),
        number_(context.catalog.series(logs_number_metric, context.labels)) {}

  std::optional<Failure> take(const Rows& rows, Batch& batch) override {
    if (rows.columns() < 2) return Failure{FailureKind::malformed, "the answer has no two columns", false};
    double bytes = 0;
    for (std::size_t row = 0; row < rows.size(); ++row) bytes += number_in(rows.cell(row, 1).value_or("")).value_or(0);
    batch.add(size_, bytes);
    batch.add(files_, static_cast<double>(rows.size()));
    if (rows.size() == 0) return std::nullopt;
    const auto last = rows.cell(rows.size() - 1, 0).value_or("");
    const auto dot = last.rfind('.');
    const auto number = dot == std::string_view::npos ? std::nullopt : number_in(last.substr(dot + 1));
    if (number) batch.add(number_, *number);
    return std::nullopt;
  }

 private:
  SeriesHandle size_;
  SeriesHandle files_;
  SeriesHandle number_;
};

Query slow_query(std::string_view name, Duration every, std::size_t max_rows) {
  Query query;
  query.name = name;
  query.every = every;
  query.timeout = slow;
  query.max_rows = max_rows;
  return query;
}

void add_tables(const MysqlConfig& config, std::vector<AskedQuery>& all) {
  const auto max = static_cast<std::size_t>(config.tables.max);
  const auto every = config.tables.every;
  const auto schema = label("schema_name", "schema");
  const auto table = label("table_name", "table");
  all.push_back({slow_query("info_schema.tables", every, 3 * max), sizes_sql(config),
                 {schema, table, label("component"), value("bytes", table_size_metric)}, {}});
  all.push_back({slow_query("info_schema.tables.rows", every, max), counts_sql(config),
                 {schema, table, value("n", table_rows_metric)}, {}});
  all.push_back({slow_query("info_schema.tables.version", every, max), rows_sql(config),
                 {schema, table, label("type_name", "type"), label("engine_name", "engine"),
                  label("row_format_name", "row_format"), label("options", "create_options"),
                  value("version_number", table_version_metric)},
                 {}});
  all.push_back({slow_query("schemas", every, most_schemas), schemas_sql(),
                 {schema, value("bytes", schema_size_metric), value("tables_of_it", schema_tables_metric)}, {}});
}

}  // namespace

std::unique_ptr<RowSink> make_binary_logs_sink(const SinkContext& context) {
  return std::make_unique<BinaryLogsSink>(context);
}

std::vector<Metric> binary_logs_metrics() { return {logs_size_metric, logs_files_metric, logs_number_metric}; }

std::vector<AskedQuery> table_queries(const MysqlConfig& config) {
  std::vector<AskedQuery> all;
  if (config.tables.max > 0) add_tables(config, all);
  if (config.auto_increment) {
    all.push_back({slow_query("auto_increment.columns", config.tables.every, most_columns), increments_sql(),
                   {label("schema_name", "schema"), label("table_name", "table"), label("column_name", "column"),
                    value("current_value", increment_metric), value("max_value", increment_max_metric),
                    value("used", increment_ratio_metric)},
                   {}});
  }
  if (config.binary_logs) {
    auto query = slow_query("binlog_size", binary_logs_every, most_binary_logs);
    query.must_exist = false;  // binary logging may be off
    all.push_back({query, "SHOW BINARY LOGS", {}, make_binary_logs_sink});
  }
  return all;
}

}  // namespace sidewatch::database::mysql
