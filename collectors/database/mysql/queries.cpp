#include "collectors/database/mysql/queries.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "collectors/database/pass.h"

namespace sidewatch::database::mysql {

using namespace std::chrono_literals;

constexpr Metric up_metric = gauge("mysql_up", "Whether the MySQL server is up.");

namespace {

constexpr std::size_t most_settings = 5000;  // rows of status or variables
constexpr Duration variables_every = 30s;

// Every metric that the columns of these queries fill, once.
std::vector<Metric> metrics_of(const std::vector<AskedQuery>& asked) {
  std::vector<Metric> all;
  std::set<std::string_view> seen;
  for (const auto& one : asked) {
    for (const auto& column : one.columns) {
      if (column.label.empty() && seen.insert(column.metric.name).second) all.push_back(column.metric);
    }
  }
  return all;
}

void append(std::vector<Metric>& to, const std::vector<Metric>& more) { to.insert(to.end(), more.begin(), more.end()); }

}  // namespace

// The variables first: of them, the status needs max_connections.
std::vector<AskedQuery> server_queries(const MysqlConfig& config) {
  (void)config;
  Query variables;
  variables.name = "global_variables";
  variables.every = variables_every;
  variables.max_rows = most_settings;
  Query status;
  status.name = "global_status";
  status.max_rows = most_settings;
  return {{variables, "SHOW GLOBAL VARIABLES", {}, make_variables_sink},
          {status, "SHOW GLOBAL STATUS", {}, make_status_sink}};
}

std::vector<AskedQuery> queries_for(const MysqlConfig& config) {
  std::vector<AskedQuery> all;
  for (auto* group : {server_queries, replication_queries, session_queries, innodb_queries, statement_queries,
                      table_queries, user_queries, group_queries}) {
    auto queries = group(config);
    std::move(queries.begin(), queries.end(), std::back_inserter(all));
  }
  return all;
}

std::vector<MetricGroup> metric_groups() {
  MysqlConfig everything;
  everything.statements = StatementsConfig{};
  everything.innodb_metrics = everything.auto_increment = everything.binary_logs = true;
  everything.user_statistics = everything.group_replication = true;
  std::vector<Metric> server{up_metric};
  append(server, scrapes_metrics());
  append(server, variables_metrics());
  append(server, status_metrics());
  auto sessions = processlist_metrics();
  append(sessions, metrics_of(session_queries(everything)));
  auto innodb = metrics_of(innodb_queries(everything));
  append(innodb, innodb_metrics_metrics());
  auto statements = metrics_of(statement_queries(everything));
  append(statements, response_time_metrics());
  auto tables = metrics_of(table_queries(everything));
  append(tables, binary_logs_metrics());
  return {{"mysql: server", "Of each instance; `*` stands for the server's own name of it, in lower case.", server},
          {"mysql: replication", "Where the server is a replica, one series for each source.", replica_metrics()},
          {"mysql: sessions", "Who is connected, and InnoDB's transactions.", sessions},
          {"mysql: InnoDB", "innodb_metrics are read on request.", innodb},
          {"mysql: statements", "On request (`statements`); response times where the server keeps them.", statements},
          {"mysql: tables", "The largest ones; auto_increment and binary logs on request.", tables},
          {"mysql: users", "On request (`user_statistics`), of MariaDB.", metrics_of(user_queries(everything))},
          {"mysql: groups", "On request (`group_replication`), of MySQL.", metrics_of(group_queries(everything))}};
}

}  // namespace sidewatch::database::mysql
