// The statements that took the most time since the server began to count, by performance_schema; and how many took how
// long, where MariaDB's plugin or Percona's server keeps that.
#include <optional>
#include <string>
#include <string_view>

#include "collectors/database/mysql/queries.h"
#include "collectors/database/mysql/value.h"
#include "metrics/bound_text.h"

namespace sidewatch::database::mysql {
namespace {

using namespace std::chrono_literals;

constexpr Duration slow = 5s;
constexpr Duration response_time_every = 15s;
constexpr double picosecond = 1e-12;
constexpr std::uint32_t knows_quantiles = 80000;
constexpr std::uint32_t knows_cpu_time = 80028;
constexpr std::string_view latency_name = "mysql_perf_schema_events_statements_latency";
constexpr std::string_view latency_sum_name = "mysql_perf_schema_events_statements_latency_sum";
constexpr std::string_view latency_count_name = "mysql_perf_schema_events_statements_latency_count";

constexpr std::string_view of_services =
    "digest IS NOT NULL AND COALESCE(schema_name, '') NOT IN ('mysql', 'performance_schema', 'information_schema')";

std::string statements_sql(std::int64_t top, std::string_view more) {
  return "SELECT COALESCE(schema_name, 'NONE') AS schema_of_it, digest, LEFT(digest_text, 120) AS text_of_it, count_star, "
         "sum_timer_wait, sum_lock_time, sum_errors, sum_warnings, sum_rows_affected, sum_rows_sent, sum_rows_examined, "
         "sum_created_tmp_tables, sum_created_tmp_disk_tables, sum_sort_merge_passes, sum_sort_rows, "
         "sum_no_index_used" + std::string(more) +
         " FROM performance_schema.events_statements_summary_by_digest WHERE " + std::string(of_services) +
         " ORDER BY sum_timer_wait DESC LIMIT " + std::to_string(top);
}

// Of the same statements, a row for each quantile, under mysqld_exporter's values of that label.
std::string quantiles_sql(std::int64_t top) {
  return "SELECT schema_of_it, digest, text_of_it, quantile, CASE quantile WHEN '95' THEN quantile_95 WHEN '99' THEN "
         "quantile_99 ELSE quantile_999 END AS latency FROM (SELECT COALESCE(schema_name, 'NONE') AS schema_of_it, digest, "
         "LEFT(digest_text, 120) AS text_of_it, quantile_95, quantile_99, quantile_999 "
         "FROM performance_schema.events_statements_summary_by_digest WHERE " + std::string(of_services) +
         " ORDER BY sum_timer_wait DESC LIMIT " + std::to_string(top) +
         ") AS top CROSS JOIN (SELECT '95' AS quantile UNION ALL SELECT '99' UNION ALL SELECT '999') AS quantiles";
}

constexpr std::string_view latency_help =
    "A summary of statement latency by digest; quantile is 95, 99 or 999 (MySQL 8).";

std::vector<Column> statement_columns() {
  const auto total = [](std::string_view column, std::string_view name, std::string_view help) {
    return value(column, counter(name, help));
  };
  return {
      label("schema_of_it", "schema"), label("digest"), label("text_of_it", "digest_text"),
      total("count_star", "mysql_perf_schema_events_statements_total", "The total count of events statements by digest."),
      value("sum_timer_wait", counter("mysql_perf_schema_events_statements_seconds_total",
                                      "The total time of events statements by digest.", "seconds"), picosecond),
      value("sum_lock_time", counter("mysql_perf_schema_events_statements_lock_time_seconds_total",
                                     "The total lock time of events statements by digest.", "seconds"), picosecond),
      total("sum_errors", "mysql_perf_schema_events_statements_errors_total", "The errors of events statements by digest."),
      total("sum_warnings", "mysql_perf_schema_events_statements_warnings_total",
            "The warnings of events statements by digest."),
      total("sum_rows_affected", "mysql_perf_schema_events_statements_rows_affected_total",
            "The total rows affected of events statements by digest."),
      total("sum_rows_sent", "mysql_perf_schema_events_statements_rows_sent_total",
            "The total rows sent of events statements by digest."),
      total("sum_rows_examined", "mysql_perf_schema_events_statements_rows_examined_total",
            "The total rows examined of events statements by digest."),
      total("sum_created_tmp_tables", "mysql_perf_schema_events_statements_tmp_tables_total",
            "The total tmp tables of events statements by digest."),
      total("sum_created_tmp_disk_tables", "mysql_perf_schema_events_statements_tmp_disk_tables_total",
            "The total tmp disk tables of events statements by digest."),
      total("sum_sort_merge_passes", "mysql_perf_schema_events_statements_sort_merge_passes_total",
            "The total number of merge passes by the sort algorithm performed by digest."),
      total("sum_sort_rows", "mysql_perf_schema_events_statements_sort_rows_total",
            "The total number of sorted rows by digest."),
      total("sum_no_index_used", "mysql_perf_schema_events_statements_no_index_used_total",
            "The total number of statements that used full table scans by digest.")};
}

constexpr std::string_view response_time_name = "mysql_info_schema_query_response_time_seconds";
constexpr std::string_view response_time_help = "The number of all queries by duration they took to execute.";

class ResponseTimeSink final : public RowSink {
 public:
  explicit ResponseTimeSink(const SinkContext& context) : catalog_(context.catalog), labels_(context.labels) {}

  // Rows of a bound, how many took less (and more than the bound before), and their time in all. The last is without one.
  std::optional<Failure> take(const Rows& rows, Batch& batch) override {
    if (rows.columns() < 3 || rows.size() == 0) return std::nullopt;
    double count = 0;
    double total = 0;
    buckets_.resize(rows.size() + 1);
    for (std::size_t row = 0; row < rows.size(); ++row) {
      const auto bound = number_in(trimmed(rows.cell(row, 0).value_or("")));
      count += number_in(trimmed(rows.cell(row, 1).value_or(""))).value_or(0);
      total += number_in(trimmed(rows.cell(row, 2).value_or(""))).value_or(0);
      if (!bound || *bound == 0) continue;  // TOO LONG
      add_bucket(row, bound_text(*bound), count, batch);
    }
    add_bucket(rows.size(), "+Inf", count, batch);
    if (!sum_) sum_ = make("_sum", labels_);
    if (!count_) count_ = make("_count", labels_);
    batch.add(sum_, total);
    batch.add(count_, count);
    return std::nullopt;
  }

 private:
  struct Bucket {
    std::string bound;
    SeriesHandle series;
  };

  static std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
  }
  SeriesHandle make(std::string_view suffix, const Labels& labels) {
    const std::string name = std::string(response_time_name).append(suffix);
    return catalog_.series({name, MetricType::histogram, "seconds", response_time_help}, labels);
  }

  void add_bucket(std::size_t index, std::string bound, double count, Batch& batch) {
    auto& bucket = buckets_[index];
    if (bucket.bound != bound) {
      bucket.series = make("_bucket", labels_.with("le", bound));
      bucket.bound = std::move(bound);
    }
    batch.add(bucket.series, count);
  }

  Catalog& catalog_;
  const Labels labels_;
  std::vector<Bucket> buckets_;
  SeriesHandle sum_;
  SeriesHandle count_;
};

}  // namespace

std::unique_ptr<RowSink> make_response_time_sink(const SinkContext& context) {
  return std::make_unique<ResponseTimeSink>(context);
}

std::vector<Metric> response_time_metrics() {
  return {{"mysql_info_schema_query_response_time_seconds_*", MetricType::histogram, "seconds", response_time_help}};
}

std::vector<AskedQuery> statement_queries(const MysqlConfig& config) {
  Query times;
  times.name = "info_schema.query_response_time";
  times.every = response_time_every;
  times.must_exist = false;  // a plugin
  std::vector<AskedQuery> all{
      {times, "SELECT time, count, total FROM information_schema.query_response_time", {}, make_response_time_sink}};
  if (!config.statements) return all;
  Query query;
  query.name = "perf_schema.eventsstatements";
  query.every = config.statements->every;
  query.timeout = slow;
  query.max_rows = static_cast<std::size_t>(config.statements->top);
  const auto ask = [&](Versions versions, std::string_view more, std::vector<Column> columns) {
    query.versions = versions;
    all.push_back({query, statements_sql(config.statements->top, more), std::move(columns), {}});
  };
  ask(mariadb(), "", statement_columns());
  ask(oracle(0, knows_quantiles - 1), "", statement_columns());
  auto columns = statement_columns();
  columns.push_back(value("sum_timer_wait", {latency_sum_name, MetricType::summary, "seconds", latency_help}, picosecond));
  columns.push_back(value("count_star", {latency_count_name, MetricType::summary, "seconds", latency_help}));
  ask(oracle(knows_quantiles, knows_cpu_time - 1), "", columns);
  columns.push_back(value("sum_cpu_time",
                          counter("mysql_perf_schema_events_statements_cpu_time_seconds_total",
                                  "The total cpu time of events statements by digest.", "seconds"),
                          picosecond));
  ask(oracle(knows_cpu_time), ", sum_cpu_time", std::move(columns));
  query.name = "perf_schema.eventsstatements.quantiles";
  query.max_rows *= 3;
  query.versions = oracle(knows_quantiles);
  all.push_back({query, quantiles_sql(config.statements->top),
                 {label("schema_of_it", "schema"), label("digest"), label("text_of_it", "digest_text"), label("quantile"),
                  value("latency", {latency_name, MetricType::summary, "seconds", latency_help}, picosecond)}, {}});
  return all;
}

}  // namespace sidewatch::database::mysql
