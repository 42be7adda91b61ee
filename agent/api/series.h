// /api/v1/series, labels, label/<name>/values and metadata: what there is to ask about.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/api/context.h"
#include "agent/http/message.h"

namespace sidewatch {

void add_series_routes(std::vector<HttpRoute>& routes, const QueryContext& context);

// The series that any of the selectors takes and that were alive at some time from `from` to `to`, each once. Stops
// with an ApiError when nobody waits for the answer any more.
struct FoundSeries {
  SeriesId id;
  std::shared_ptr<const SeriesInfo> info;
};
std::vector<FoundSeries> series_matching(const QueryContext& context, const HttpRequest& request,
                                         const std::vector<std::string>& selectors, Time from, Time to);

}  // namespace sidewatch
