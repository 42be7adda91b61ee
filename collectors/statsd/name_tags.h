// Tags that stand in the name of a metric, as libraries for Librato, InfluxDB and SignalFX write them:
//
//     librato   orders#kind=web,paid=yes
//     influx    orders,kind=web,paid=yes
//     signalfx  orders[kind=web,paid=yes].total
//
// They are read as statsd_exporter reads them, but only on request: '#', ',' and '[' may stand in other names.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/labels.h"

namespace sidewatch::statsd {

struct TagStyles {
  bool librato = false;
  bool influx = false;
  bool signalfx = false;
  bool any() const { return librato || influx || signalfx; }
};

struct TaggedName {
  std::string name;           // without them
  std::vector<Label> labels;  // with names that Prometheus takes
  std::size_t malformed = 0;  // tags without a name or without a value, which are left out
};
TaggedName take_tags_off(std::string_view name, TagStyles styles);

}  // namespace sidewatch::statsd
