// What the `postgresql` key of the configuration says: instances, each a database that is connected to.
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
namespace database::postgresql {

struct TablesConfig {
  std::int64_t max = 100;  // tables, and as many indexes; 0: none
  Duration every = std::chrono::minutes(1);
  bool bloat = false;
};

struct StatementsConfig {
  std::int64_t top = 20;
  Duration every = std::chrono::seconds(30);
  bool text = false;
};

struct PostgresqlConfig {
  InstanceConfig instance;
  std::string dsn;
  config::Secret password;
  std::optional<TlsConfig> tls;
  TablesConfig tables;
  std::optional<StatementsConfig> statements;
  bool buffercache = false;
  std::vector<CustomQuery> queries;
};

void declare(config::Section& section, TablesConfig& tables);
void declare(config::Section& section, StatementsConfig& statements);
void declare(config::Section& section, PostgresqlConfig& config);

}  // namespace database::postgresql

// Declares `postgresql` and plans one collector for each instance.
void configure_postgresql(config::Section& collectors, std::vector<CollectorPlan>& plans);
std::vector<MetricGroup> postgresql_metric_groups();

}  // namespace sidewatch
