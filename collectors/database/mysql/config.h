// What the `mysql` key of the configuration says: instances, each one server of MySQL or MariaDB.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "collectors/collector.h"
#include "collectors/database/config.h"
#include "collectors/database/custom_queries.h"
#include "collectors/table.h"
#include "config/section.h"

namespace sidewatch {
namespace database::mysql {

struct TablesConfig {
  std::int64_t max = 100;  // 0: none
  Duration every = std::chrono::minutes(5);
};

struct StatementsConfig {
  std::int64_t top = 20;
  Duration every = std::chrono::seconds(30);
};

struct MysqlConfig {
  InstanceConfig instance;
  std::string address_text;
  Address address;
  std::string user;
  config::Secret password;
  std::string database;
  std::optional<TlsConfig> tls;
  TablesConfig tables;
  std::optional<StatementsConfig> statements;
  bool innodb_metrics = false;
  bool auto_increment = false;
  bool binary_logs = false;
  bool user_statistics = false;
  bool group_replication = false;
  std::vector<CustomQuery> queries;
};

void declare(config::Section& section, TablesConfig& tables);
void declare(config::Section& section, StatementsConfig& statements);
void declare(config::Section& section, MysqlConfig& config);

}  // namespace database::mysql

// Declares `mysql` and plans one collector for each instance.
void configure_mysql(config::Section& collectors, std::vector<CollectorPlan>& plans);
std::vector<MetricGroup> mysql_metric_groups();

}  // namespace sidewatch
