// /federate: the latest sample of selected series in the text format, with its time, for another Prometheus to scrape.
//
// As Prometheus serves it, all metrics are untyped there and stale series are left out. One difference: Prometheus
// writes instance="" where a series has no such label, so that the scrape adds none; the series of an agent have none
// by nature, and the scrape's own `instance` is then what tells one agent from another.
#pragma once

#include <vector>

#include "agent/api/context.h"
#include "agent/http/message.h"

namespace sidewatch {

void add_federate_route(std::vector<HttpRoute>& routes, const QueryContext& context);

}  // namespace sidewatch
