#include "collectors/database/mysql/config.h"

#include <utility>

#include "collectors/database/mysql/collector.h"
#include "collectors/database/mysql/queries.h"

namespace sidewatch {
namespace database::mysql {
namespace {

using namespace std::chrono_literals;

constexpr int default_port = 3306;

void check_user(config::Section& section, const MysqlConfig& config) {
  if (section.describing() || !section.has("user") || !config.user.empty()) return;
  section.problem("user", "is empty; name the user that the agent logs in as, such as sidewatch");
}

void read_address(config::Section& section, MysqlConfig& config) {
  if (section.describing() || !section.has("address")) return;
  const auto address = parse_address(config.address_text, default_port);
  if (!address) {
    section.problem("address", "'" + config.address_text +
                                   "' is not an address, write for example 127.0.0.1:3306, [::1]:3306 or the path of a "
                                   "socket, /run/mysqld/mysqld.sock");
    return;
  }
  config.address = *address;
}

std::string fingerprint_of(const MysqlConfig& config) {
  std::string text = database::fingerprint_of(config.instance);
  text += '\n' + config.address_text + '\n' + config.user + '\n' + config.database + '\n' + config.password.reveal();
  text += database::fingerprint_of(config.tls);
  const auto add = [&text](std::int64_t number) { text += '\t' + std::to_string(number); };
  add(config.tables.max);
  add(config.tables.every.count());
  add(config.innodb_metrics ? 1 : 0);
  add(config.auto_increment ? 1 : 0);
  add(config.binary_logs ? 1 : 0);
  add(config.user_statistics ? 1 : 0);
  add(config.group_replication ? 1 : 0);
  if (config.statements) {
    add(config.statements->top);
    add(config.statements->every.count());
  }
  return text + database::fingerprint_of(config.queries);
}

CollectorPlan plan_of(MysqlConfig config) {
  CollectorPlan plan;
  plan.name = "mysql:" + config.instance.name.value;
  plan.interval = config.instance.interval;
  plan.watches = "MySQL or MariaDB " + config.instance.name.value + " (" + config.address.text() + ")";
  plan.fingerprint = fingerprint_of(config);
  plan.make = [config = std::move(config)](const CollectorContext& context) {
    return make_mysql_collector(config, context.catalog);
  };
  return plan;
}

}  // namespace

void declare(config::Section& section, TablesConfig& tables) {
  section.optional("max", tables.max,
                   "of how many tables there are series: the largest ones; 0: of none (where a server has ten thousands "
                   "of tables, asking for them takes long)",
                   config::between(0, 2000));
  section.optional("every", tables.every, "how often they are asked", config::between(5s, 24h));
}

void declare(config::Section& section, StatementsConfig& statements) {
  section.optional("top", statements.top, "how many statements: those that took the most time",
                   config::between(1, 500));
  section.optional("every", statements.every, "how often they are asked", config::between(5s, 1h));
}

void declare(config::Section& section, MysqlConfig& config) {
  declare_instance(section, config.instance);
  section.required("address", config.address_text,
                   "where it is: host and port, such as 127.0.0.1:3306, or the path of its socket, such as "
                   "/run/mysqld/mysqld.sock");
  section.required("user", config.user, "as whom one logs in");
  section.optional("password", config.password,
                   "as ${file:...} it is read again at each connect; not needed where the socket says who one is");
  section.optional("database", config.database,
                   "the database that queries of your own are asked in; none when absent");
  section.section("tls", config.tls, "how the connection is secured; when absent, it is not encrypted");
  section.section("tables", config.tables, "rows and sizes of the largest tables, and the sizes of databases");
  section.section("statements", config.statements,
                  "the statements that take the most time, by performance_schema; without this section they are not "
                  "asked");
  section.optional("innodb_metrics", config.innodb_metrics,
                   "whether the counters of information_schema.innodb_metrics are read: about a hundred more series");
  section.optional("auto_increment", config.auto_increment,
                   "whether it is watched how far the columns with auto_increment are from their last number");
  section.optional("binary_logs", config.binary_logs, "whether the sizes of the binary logs are read");
  section.optional("user_statistics", config.user_statistics,
                   "whether it is read what each user has done: about 25 series for each user (MariaDB, where userstat is "
                   "ON)");
  section.optional("group_replication", config.group_replication,
                   "whether the members of the replication group are read (MySQL); needs SELECT ON performance_schema.*");
  declare_queries(section, config.instance, config.queries);
  check_user(section, config);
  read_address(section, config);
}

}  // namespace database::mysql

void configure_mysql(config::Section& collectors, std::vector<CollectorPlan>& plans) {
  std::vector<database::mysql::MysqlConfig> instances;
  collectors.list("mysql", instances,
                  "servers of MySQL (5.7 to 9) and MariaDB (10, 11), under mysqld_exporter's metric names");
  std::vector<const database::InstanceConfig*> names;
  for (const auto& config : instances) names.push_back(&config.instance);
  database::check_names(collectors, "MySQL server", names);
  for (auto& config : instances) plans.push_back(database::mysql::plan_of(std::move(config)));
}

std::vector<MetricGroup> mysql_metric_groups() { return database::mysql::metric_groups(); }

}  // namespace sidewatch
