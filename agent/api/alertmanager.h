// /api/v2/...: alerts and silences in the shape of Alertmanager's API, so that amtool, Grafana's data source for
// Alertmanager and other programs work with the agent as they are.
//
//     GET    /api/v2/status, /api/v2/receivers
//     GET    /api/v2/alerts        ?filter=MATCHER&receiver=REGEX&active=&silenced=&inhibited=: what fires
//     GET    /api/v2/silences      ?filter=MATCHER
//     POST   /api/v2/silences      a new one, or another in the place of the one whose `id` is given
//     GET, DELETE /api/v2/silence/{id}
//
// An alert has the labels that silences and routes go by (Router::to_match), and names those whom it is told. `inhibited`
// and `unprocessed` choose nothing, for there is neither. While all whom it is told are muted it is suppressed, and its
// status has `mutedBy` as in Alertmanager 0.28, and beyond the format `muted`: until when and by what, in words.
//
// Silences are set from this machine only, unless http.allow_remote_silences. Errors are a JSON string, as there.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/api/status.h"
#include "agent/http/message.h"
#include "agent/published.h"
#include "alerting/silences.h"
#include "alerting/tick.h"
#include "base/time.h"

namespace sidewatch {

struct AlertmanagerContext {
  Silences& silences;
  const Published<std::vector<AlertView>>& alerts;
  const Published<ConfigView>& config;  // for who is told of which alert, and what mutes it
  std::function<WallTime()> wall;
  WallTime started;
  bool allow_remote_silences = false;
  std::function<void(std::string_view what, const Silence& silence)> log = nullptr;  // "set", "ended"; may be empty
};

void add_alertmanager_routes(std::vector<HttpRoute>& routes, const AlertmanagerContext& context);

}  // namespace sidewatch
