// Queries of the user's own: SQL, and what becomes of its columns.
//
//     queries:
//       - name: orders
//         sql: SELECT status, count(*) AS n, max(age) AS oldest FROM orders GROUP BY status
//         labels: [status]
//         metrics:
//           - {column: n, name: shop_orders, help: Orders by status.}
//           - {column: oldest, name: shop_order_age_seconds, type: gauge}
//         every: 30s
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "collectors/database/config.h"
#include "collectors/database/query_set.h"
#include "config/section.h"
#include "metrics/metric.h"

namespace sidewatch::database {

struct CustomMetric {
  std::string column;
  std::string name;  // of the metric
  MetricType type = MetricType::gauge;
  std::string help;
};

struct CustomQuery {
  config::Located<std::string> name;
  std::string sql;
  std::vector<config::Located<std::string>> labels;  // columns
  std::vector<CustomMetric> metrics;
  Duration every{0};
  Duration timeout{0};  // 0: the instance's
  std::int64_t max_rows = 100;
  std::string min_version;
  std::string max_version;
};
void declare(config::Section& section, CustomMetric& metric);
void declare(config::Section& section, CustomQuery& query);

// Declares the list `queries` of an instance, which has been declared, and checks it as a whole.
void declare_queries(config::Section& section, const InstanceConfig& instance, std::vector<CustomQuery>& queries);

// Adds them to what the instance is asked. `queries` must outlive the set.
void add_queries(QuerySet& set, const std::vector<CustomQuery>& queries);

std::string fingerprint_of(const std::vector<CustomQuery>& queries);

}  // namespace sidewatch::database
