// /api/v1/query, query_range, query_exemplars and format_query: PromQL over HTTP, as Prometheus 2.42 answers.
#pragma once

#include <vector>

#include "agent/api/context.h"
#include "agent/http/message.h"

namespace sidewatch {

void add_query_routes(std::vector<HttpRoute>& routes, const QueryContext& context);

}  // namespace sidewatch
