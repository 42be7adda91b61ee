// What the key `redis` of the configuration says: servers of Redis, Valkey or KeyDB, Sentinels and nodes of a cluster.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/collector.h"
#include "collectors/database/config.h"
#include "collectors/table.h"
#include "config/section.h"

namespace sidewatch {
namespace database::redis {

// Keys that are looked at on request: one, or all that a pattern matches.
struct KeyCheck {
  std::string key;      // its name
  std::string pattern;  // as SCAN takes it: "queue:*"
  bool count = false;   // of the pattern: only how many there are
  bool groups = false;  // of a stream: who reads from it
  std::int64_t db = 0;
};

struct RedisConfig {
  InstanceConfig instance;
  config::Located<std::string> address;
  std::string user;
  config::Secret password;
  std::optional<TlsConfig> tls;
  Address server;  // `address`, understood

  bool server_config = true;       // CONFIG GET
  bool slowlog = true;
  bool latency = true;             // LATENCY LATEST
  bool latency_histogram = false;  // LATENCY HISTOGRAM
  bool clients = false;            // CLIENT LIST
  std::int64_t client_series = 0;  // clients of it that are told of one by one
  bool modules = false;            // INFO everything
  std::int64_t slowlog_entries = 0;
  std::vector<KeyCheck> keys;
  std::int64_t max_keys = 100;        // of the patterns that are told of one by one
  std::int64_t scan_budget = 10'000;  // keys that SCAN looks at in one pass
};

void declare(config::Section& section, KeyCheck& check);
void declare(config::Section& section, RedisConfig& config);

}  // namespace database::redis

// Declares `redis` and plans one collector for each server.
void configure_redis(config::Section& collectors, std::vector<CollectorPlan>& plans);
std::vector<MetricGroup> redis_metric_groups();

}  // namespace sidewatch
