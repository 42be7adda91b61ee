#include "collectors/database/postgresql/queries.h"

#include <set>
#include <utility>

#include "collectors/database/pass.h"

namespace sidewatch::database::postgresql {
namespace {

struct Group {
  const char* title;
  const char* about;
  std::vector<AskedQuery> (*queries)(const PostgresqlConfig&);
};
constexpr Group kGroups[] = {
    {"postgresql: activity", "sessions, transactions and locks; sidewatch_postgresql_* are ready for thresholds",
     activity_queries},
    {"postgresql: databases", "by database of the server: work done, conflicts, sizes, wraparound", database_queries},
    {"postgresql: progress", "commands that run for long", progress_queries},
    {"postgresql: replication", "of a primary's standbys and slots, and of a standby", replication_queries},
    {"postgresql: server", "background processes, write-ahead log, archive", server_queries},
    {"postgresql: statements", "on request (`statements:`): by pg_stat_statements", statement_queries},
    {"postgresql: tables", "of the database that is connected to, the largest first; bloat is on request",
     table_queries},
};

// Everything that can be asked for.
PostgresqlConfig whole() {
  PostgresqlConfig config;
  config.tables.bloat = true;
  config.statements = StatementsConfig{.top = 20, .every = Duration(0), .text = true};
  config.buffercache = true;
  return config;
}

}  // namespace

constexpr Metric up_metric = gauge("pg_up", "Whether the last scrape of metrics from PostgreSQL was able to connect to "
                                            "the server (1 for yes, 0 for no).");
constexpr Metric scrape_duration_metric =
    gauge("pg_exporter_last_scrape_duration_seconds", "Duration of the last scrape of metrics from PostgreSQL.",
          "seconds");
constexpr Metric scrape_error_metric =
    gauge("pg_exporter_last_scrape_error",
          "Whether the last scrape of metrics from PostgreSQL resulted in an error (1 for error, 0 for success).");

std::vector<AskedQuery> queries_for(const PostgresqlConfig& config) {
  std::vector<AskedQuery> all;
  for (const auto& group : kGroups) {
    for (auto& query : group.queries(config)) all.push_back(std::move(query));
  }
  return all;
}

std::vector<MetricGroup> metric_groups() {
  std::vector<MetricGroup> groups;
  groups.push_back({"postgresql", "whether the server answers; all series have the label instance",
                    {up_metric, scrape_duration_metric, scrape_error_metric, errors_metric, query_duration_metric}});
  for (const auto& group : kGroups) {
    MetricGroup described{group.title, group.about, {}};
    std::set<std::string_view> seen;
    for (const auto& query : group.queries(whole())) {
      for (const auto& column : query.columns) {
        if (column.label.empty() && seen.insert(column.metric.name).second) described.metrics.push_back(column.metric);
      }
    }
    groups.push_back(std::move(described));
  }
  groups.push_back({"postgresql: settings", "each setting that is a number or a switch, in bytes or seconds",
                    {gauge("pg_settings_*", "Server Parameter, by its name; with _bytes or _seconds behind it where it "
                                            "has a unit.")}});
  return groups;
}

}  // namespace sidewatch::database::postgresql
