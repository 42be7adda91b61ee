// What the key `memcached` of the configuration says.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "collectors/collector.h"
#include "collectors/database/config.h"
#include "collectors/table.h"
#include "config/section.h"

namespace sidewatch {
namespace database::memcached {

struct MemcachedConfig {
  InstanceConfig instance;
  config::Located<std::string> address;
  std::string user;  // with `password`: of the file that memcached -Y reads
  config::Secret password;
  std::optional<TlsConfig> tls;
  Address server;  // `address`, understood

  bool slabs = true;  // stats slabs, stats items
};

void declare(config::Section& section, MemcachedConfig& config);

}  // namespace database::memcached

// Declares `memcached` and plans one collector for each server.
void configure_memcached(config::Section& collectors, std::vector<CollectorPlan>& plans);
std::vector<MetricGroup> memcached_metric_groups();

}  // namespace sidewatch
