// What an OpenTelemetry metric or attribute is called here: the rules of OpenTelemetry's compatibility specification for
// Prometheus, as Prometheus's own OTLP receiver follows them, so that its dashboards fit.
//
//     http.server.request.duration, unit s  ->  http_server_request_duration_seconds
//     orders, a monotonic sum               ->  orders_total
//     cpu.utilization, a gauge of unit 1    ->  cpu_utilization_ratio
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "metrics/labels.h"

namespace sidewatch::otlp {

enum class NameStyle {
  prometheus,  // with the unit and _total behind it
  as_sent,     // only what may not stand in a name is replaced
};

// What a name shows beside its unit.
enum class Shows {
  nothing,
  counter,  // _total
  gauge,    // _ratio, where the unit is 1
};

// Legal, and never empty unless `name` is.
std::string metric_name(std::string_view name, std::string_view unit, Shows shows, NameStyle style);

std::string label_name(std::string_view attribute);

// "seconds" of "s", "bytes_per_second" of "By/s", "" of "{packets}".
std::string unit_words(std::string_view unit);

// Attributes as labels. Where two come to have one name, their values stand together, in the order of the attributes'
// names and with a semicolon between them.
Labels labels_of(std::vector<Label> attributes);

}  // namespace sidewatch::otlp
