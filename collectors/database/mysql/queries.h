// What a MySQL server is asked: tables of statements, each for the versions that can answer it, and what becomes of the
// rows. Names, labels and types are mysqld_exporter's where it has them; the others begin with sidewatch_mysql_.
//
// The rule for a statement: it reads, it waits for no lock longer than a second, and its rows are bounded.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/database/mysql/config.h"
#include "collectors/database/query.h"
#include "collectors/table.h"
#include "metrics/catalog.h"
#include "metrics/metric.h"

namespace sidewatch::database::mysql {

// What one answer knows and another one needs; nothing is known of a new connection.
struct Shared {
  double max_connections = 0;    // 0: not known yet
  bool counts_deadlocks = false;  // in its status, or nowhere: nobody has to ask for them
};

struct SinkContext {
  Catalog& catalog;
  const Labels& labels;  // of the instance
  Shared& shared;
};
using MakeSink = std::function<std::unique_ptr<RowSink>(const SinkContext&)>;

struct AskedQuery {
  Query query;  // its sql is below, as some of it is made; its name is mysqld_exporter's, without "collect."
  std::string sql;
  std::vector<Column> columns;  // where each row is one set of labels
  MakeSink sink;                // where it is more than that
  bool Shared::*unless = nullptr;  // it is not asked while this is so
};

// One group each; `config` says how often, how much, and what is on request.
std::vector<AskedQuery> server_queries(const MysqlConfig& config);
std::vector<AskedQuery> session_queries(const MysqlConfig& config);
std::vector<AskedQuery> replication_queries(const MysqlConfig& config);
std::vector<AskedQuery> innodb_queries(const MysqlConfig& config);
std::vector<AskedQuery> table_queries(const MysqlConfig& config);
std::vector<AskedQuery> statement_queries(const MysqlConfig& config);
std::vector<AskedQuery> user_queries(const MysqlConfig& config);
std::vector<AskedQuery> group_queries(const MysqlConfig& config);

// All of them that this configuration asks for, in the order in which they are asked.
std::vector<AskedQuery> queries_for(const MysqlConfig& config);

// Their sinks, where they are not columns.
std::unique_ptr<RowSink> make_status_sink(const SinkContext& context);
std::unique_ptr<RowSink> make_variables_sink(const SinkContext& context);
std::unique_ptr<RowSink> make_processlist_sink(const SinkContext& context);
std::unique_ptr<RowSink> make_replica_sink(const SinkContext& context);
std::unique_ptr<RowSink> make_deadlocks_sink(const SinkContext& context);
std::unique_ptr<RowSink> make_innodb_metrics_sink(const SinkContext& context);
std::unique_ptr<RowSink> make_binary_logs_sink(const SinkContext& context);
std::unique_ptr<RowSink> make_response_time_sink(const SinkContext& context);

std::vector<MetricGroup> metric_groups();
std::vector<Metric> status_metrics();
std::vector<Metric> variables_metrics();
std::vector<Metric> processlist_metrics();
std::vector<Metric> replica_metrics();
std::vector<Metric> innodb_metrics_metrics();
std::vector<Metric> binary_logs_metrics();
std::vector<Metric> response_time_metrics();
std::vector<Metric> scrapes_metrics();

extern const Metric up_metric;
extern const Metric deadlocks_metric;

// How the tables spell whom a statement is for.
constexpr Versions mariadb(std::uint32_t min = 0) { return {min, UINT32_MAX, "mariadb"}; }
constexpr Versions oracle(std::uint32_t min = 0, std::uint32_t max = UINT32_MAX) { return {min, max, "mysql"}; }

constexpr Metric gauge(std::string_view name, std::string_view help, std::string_view unit = {}) {
  return {name, MetricType::gauge, unit, help};
}
constexpr Metric counter(std::string_view name, std::string_view help, std::string_view unit = {}) {
  return {name, MetricType::counter, unit, help};
}
constexpr Metric untyped(std::string_view name, std::string_view help) {
  return {name, MetricType::untyped, "", help};
}

}  // namespace sidewatch::database::mysql
