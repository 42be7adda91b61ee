// What the HTTP server answers: /metrics, the health and reload endpoints, and the API in Prometheus's JSON shape.
//
// Handlers touch only what may be shared: the page cache, the store, what the judge published, the loop's sign of life,
// and the reloader. What asks the store runs on the server's workers, the rest on its own thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "agent/api/alertmanager.h"
#include "agent/api/context.h"
#include "agent/api/outbox.h"
#include "agent/api/status.h"
#include "agent/http/message.h"
#include "agent/page_cache.h"
#include "agent/published.h"
#include "agent/push_routes.h"
#include "alerting/rule_view.h"
#include "alerting/tick.h"
#include "base/result.h"
#include "base/time.h"

namespace sidewatch {

// The loop's pulse, on a clock of its own so that any thread can read it.
class Heartbeat {
 public:
  void beat();
  Duration age() const;  // since the last beat

 private:
  std::atomic<std::int64_t> last_ms_{0};
};

struct RouteParts {
  PageCache& pages;
  const Published<std::vector<AlertView>>& alerts;
  const Published<std::vector<RuleGroupView>>& groups;
  const Heartbeat& heartbeat;
  std::atomic<bool>& ready;
  // Reads the configuration again; the Error says what is wrong with it. On success a remark, such as what needs a restart.
  std::function<Result<std::string>()> reload;
  bool allow_remote_reload = false;
  QueryContext queries;
  StatusContext status;
  PushContext pushes;
  AlertmanagerContext alertmanager;
  OutboxContext outbox;
};

std::vector<HttpRoute> make_routes(RouteParts parts);

}  // namespace sidewatch
