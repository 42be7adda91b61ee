// /api/v1/rules and /api/v1/alerts: what is judged, and what came of it, in Prometheus's shape and somewhat more.
#pragma once

#include <string>
#include <vector>

#include "agent/http/message.h"
#include "agent/published.h"
#include "alerting/rule_view.h"
#include "alerting/tick.h"

namespace sidewatch {

void add_rule_routes(std::vector<HttpRoute>& routes, const Published<std::vector<AlertView>>& alerts,
                     const Published<std::vector<RuleGroupView>>& groups);

// The body of /api/v1/alerts: {"status":"success","data":{"alerts":[...]}}. Each alert as Prometheus has it (labels,
// annotations, state, activeAt, value as a string), and beside that level, peak, incident, firedAt, suppressed.
std::string alerts_as_json(const std::vector<AlertView>& alerts);

}  // namespace sidewatch
