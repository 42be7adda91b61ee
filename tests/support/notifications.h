// Notifications for tests: filled in enough to be told apart.
#pragma once

#include <string>

#include "alerting/notification.h"

namespace sidewatch {

struct NotificationOf {
  std::string id;
  std::string alert = "a1";
  std::string incident = "";  // empty: alert + "/1"
  std::string receiver = "oncall";
  Reason reason = Reason::fired;
  Level level = Level::warning;
};

inline Notification make_notification(const NotificationOf& of) {
  Notification n;
  n.id = of.id;
  n.alert_key = of.alert;
  n.incident = of.incident.empty() ? of.alert + "/1" : of.incident;
  n.receiver = of.receiver;
  n.reason = of.reason;
  const bool over = of.reason == Reason::resolved || of.reason == Reason::rule_removed;
  n.level = over ? Level::ok : of.level;
  n.worst = of.level;
  n.rule = "HostMemoryHigh";
  n.labels = Labels{{"alertname", "HostMemoryHigh"}, {"instance", of.alert}, {"severity", to_string(n.worst)}};
  n.annotations = Labels{{"summary", "Memory at 93% on " + of.alert}};
  n.value = over ? 61.5 : 93.25;
  n.peak = 96.5;
  n.starts_at = WallTime(Duration(1'772'366'400'000));
  if (over) n.ends_at = n.starts_at + std::chrono::minutes(12);
  n.duration = over ? Duration(std::chrono::minutes(12)) : Duration(0);
  n.created_at = over ? *n.ends_at : n.starts_at;
  return n;
}

}  // namespace sidewatch
