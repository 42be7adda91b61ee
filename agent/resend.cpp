#include "agent/resend.h"

#include <algorithm>
#include <utility>

#include "alerting/receiver.h"

namespace sidewatch {
namespace {

Notification still_firing(const AlertView& alert, const std::string& receiver, WallTime now) {
  Notification n;
  n.id = resend_id;
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
                    const std::function<bool(const std::string& incident)>& told, WallTime now) {
  Delivery delivery;
  delivery.id = resend_id;
  delivery.receiver = receiver;
  for (const AlertView& alert : alerts) {
    if (alert.firing && alert.announced && told(alert.incident)) {
      delivery.alerts.push_back(still_firing(alert, receiver, now));
    }
  }
  return delivery;
}

}  // namespace sidewatch
