// What a PostgreSQL server is asked: tables of statements, each for the versions that can answer it, and what its columns
// become. Names, labels and types are postgres_exporter's where it has them (its current ones, and those of 0.11 that
// dashboards still ask for); the others begin with sidewatch_postgresql_.
//
// The rule for a statement: it reads, it takes no lock that a user's ALTER TABLE could hold up, and its rows are bounded.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collectors/database/postgresql/config.h"
#include "collectors/database/query.h"
#include "collectors/database/query_set.h"
#include "collectors/table.h"
#include "metrics/metric.h"

namespace sidewatch::database::postgresql {

struct AskedQuery {
  Query query;  // its sql is below, as some of it is made
  std::string sql;
  std::vector<Column> columns;
};

// One group each; `config` says of how many tables, how often, and what is on request.
std::vector<AskedQuery> activity_queries(const PostgresqlConfig& config);
std::vector<AskedQuery> database_queries(const PostgresqlConfig& config);
std::vector<AskedQuery> progress_queries(const PostgresqlConfig& config);
std::vector<AskedQuery> replication_queries(const PostgresqlConfig& config);
std::vector<AskedQuery> server_queries(const PostgresqlConfig& config);
std::vector<AskedQuery> statement_queries(const PostgresqlConfig& config);
std::vector<AskedQuery> table_queries(const PostgresqlConfig& config);

// All of them that this configuration asks for.
std::vector<AskedQuery> queries_for(const PostgresqlConfig& config);

// Those whose rows are more than columns: the settings, and whether the user may see what it asks for.
void add_special_queries(QuerySet& set, Catalog& catalog, const Labels& labels);
extern const std::string_view settings_sql;
extern const std::string_view privileges_sql;

std::vector<MetricGroup> metric_groups();

extern const Metric up_metric;
extern const Metric scrape_duration_metric;
extern const Metric scrape_error_metric;

// How the tables spell versions: servers from this one on, servers before it.
constexpr Versions from(std::uint32_t major) { return {major * 10000, UINT32_MAX, {}}; }
constexpr Versions before(std::uint32_t major) { return {0, major * 10000 - 1, {}}; }
constexpr Versions between(std::uint32_t first, std::uint32_t last) {
  return {first * 10000, (last + 1) * 10000 - 1, {}};
}

constexpr Metric gauge(std::string_view name, std::string_view help, std::string_view unit = {}) {
  return {name, MetricType::gauge, unit, help};
}
constexpr Metric counter(std::string_view name, std::string_view help, std::string_view unit = {}) {
  return {name, MetricType::counter, unit, help};
}

}  // namespace sidewatch::database::postgresql
