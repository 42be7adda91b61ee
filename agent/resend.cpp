#include "agent/resend.h"

#include <algorithm>
#include <utility>

#include "alerting/dispatcher.h"
#include "alerting/receiver.h"

namespace sidewatch {
namespace {

Notification still_firing(const AlertView& alert, const std::string& id, const std::string& receiver, WallTime now) {
  Notification n;
  n.id = id;
  n.alert_key = alert.key;
  n.incident = alert.incident;
  n.receiver = receiver;
  n.reason = Reason::repeated;
  n.level = alert.level;
  n.worst = alert.level;
  n.rule = alert.rule;
  n.labels = alert.labels;
  n.annotations = alert.annotations;
  n.value = alert.value;
  n.peak = alert.peak;
  n.starts_at = alert.fired_at.value_or(alert.active_at);
  n.duration = std::max(now - n.starts_at, Duration(0));
  n.created_at = now;
  n.suppressed = alert.suppressed;
  return n;
}

}  // namespace

Delivery what_fires(const std::string& receiver, const std::vector<AlertView>& alerts,
                    const std::function<bool(const std::string& incident)>& told, const std::string& after,
                    WallTime now) {
  std::vector<const AlertView*> next;
  for (const AlertView& alert : alerts) {
    if (alert.firing && alert.announced && alert.key > after && told(alert.incident)) next.push_back(&alert);
  }
  std::sort(next.begin(), next.end(), [](const AlertView* a, const AlertView* b) { return a->key < b->key; });
  if (next.size() > max_alerts_per_delivery) next.resize(max_alerts_per_delivery);

  Delivery delivery;
  delivery.receiver = receiver;
  if (next.empty()) return delivery;
  delivery.id = resend_id_prefix;
  delivery.id += std::to_string(now.time_since_epoch().count()) + "-" + next.front()->key;
  for (const AlertView* alert : next) delivery.alerts.push_back(still_firing(*alert, delivery.id, receiver, now));
  return delivery;
}

}  // namespace sidewatch
