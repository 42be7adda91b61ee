// Which fields of INFO (and CLUSTER INFO) are samples of their own, and under which names: redis_exporter's.
#pragma once

#include <span>
#include <string_view>

#include "metrics/metric.h"

namespace sidewatch::database::redis {

struct InfoField {
  std::string_view field;  // as the server calls it
  Metric metric;
  double factor = 1;
};

// OpenMetrics has the unit in the name: redis_memory_used_bytes, redis_net_input_bytes_total.
constexpr std::string_view unit_in(std::string_view name) {
  if (name.ends_with("_total")) name.remove_suffix(6);
  for (const std::string_view unit : {"bytes", "seconds", "ratio"}) {
    if (name.ends_with(unit)) return unit;
  }
  return {};
}

constexpr InfoField gauge(std::string_view field, std::string_view name, std::string_view help, double factor = 1) {
  return {field, {name, MetricType::gauge, unit_in(name), help}, factor};
}

constexpr InfoField counter(std::string_view field, std::string_view name, std::string_view help) {
  return {field, {name, MetricType::counter, unit_in(name), help}, 1};
}

std::span<const InfoField> info_fields();
std::span<const InfoField> module_fields();  // of INFO everything

// The row for `field`, or null.
const InfoField* find_info_field(std::string_view field);

}  // namespace sidewatch::database::redis
