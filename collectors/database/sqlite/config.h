// What the `sqlite` key of the configuration says: one database file each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/collector.h"
#include "collectors/database/config.h"
#include "collectors/database/custom_queries.h"
#include "collectors/database/sqlite/integrity.h"
#include "collectors/table.h"
#include "config/section.h"

namespace sidewatch::database::sqlite {

struct SqliteConfig {
  InstanceConfig instance;
  config::Located<std::string> path;
  std::int64_t checkpoint_pages = 1000;
  std::vector<std::string> tables;
  Duration tables_every = std::chrono::minutes(5);
  std::optional<IntegrityConfig> integrity;
  std::vector<CustomQuery> queries;
};
void declare(config::Section& section, IntegrityConfig& integrity);
void declare(config::Section& section, SqliteConfig& database);

}  // namespace sidewatch::database::sqlite

namespace sidewatch {

// Declares `sqlite` and plans a collector for each database.
void configure_sqlite(config::Section& collectors, std::vector<CollectorPlan>& plans);
std::vector<MetricGroup> sqlite_metric_groups();

}  // namespace sidewatch
