// Which figures of memcached's answers are samples, and under which names: memcached_exporter's.
#pragma once

#include <span>
#include <string_view>

#include "metrics/metric.h"

namespace sidewatch::database::memcached {

struct StatField {
  std::string_view name;  // as the server calls it; of a slab class, without its number
  Metric metric;
  std::string_view command = {};  // labels, where there are any
  std::string_view status = {};
  std::string_view lru = {};
};

std::span<const StatField> general_fields();
std::span<const StatField> settings_fields();
std::span<const StatField> slab_fields();

// Those whose value is not a field as it stands: sets without cas.
const Metric& commands_metric();
const Metric& slab_commands_metric();

}  // namespace sidewatch::database::memcached
