// What a metric is: its name, type, unit and meaning. Every source of samples lists its metrics as constexpr values of
// this type at the top of its file; the exposition, the documentation and the tests read them from there.
#pragma once

#include <string_view>

namespace sidewatch {

enum class MetricType { gauge, counter, histogram, summary, untyped };

struct Metric {
  std::string_view name;  // complete, as exposed: node_cpu_seconds_total
  MetricType type = MetricType::untyped;
  std::string_view unit;  // as OpenMetrics names it (seconds, bytes, ratio), or empty
  std::string_view help;
};

// "gauge", "counter", "histogram", "summary", "untyped": as the Prometheus text format 0.0.4 spells them.
std::string_view to_string(MetricType type);

}  // namespace sidewatch
