// What a receiver is handed for one attempt: one notification, or several that are told together.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alerting/notification.h"
#include "metrics/labels.h"

namespace sidewatch {

struct Delivery {
  std::string id;        // the Idempotency-Key: the same over retries and restarts for as long as it holds the same
  std::string receiver;
  std::vector<Notification> alerts;  // at least one; more only for a receiver that takes groups
  Labels group_labels;               // what they have in common by their route's group_by; empty without one
  bool digest = false;  // a rate limit held these back, and they are told in one: of whatever group they are

  const Notification& first() const { return alerts.front(); }
  bool of_several() const { return alerts.size() > 1; }
  Level level() const;  // the highest of all: ok when nothing in it fires
};

inline Level Delivery::level() const {
  Level highest = Level::ok;
  for (const Notification& alert : alerts) highest = std::max(highest, alert.level);
  return highest;
}

// Before the ids of deliveries of several notifications; no notification's own id begins so.
inline constexpr std::string_view group_id_prefix = "group-";
inline constexpr std::string_view digest_id_prefix = "digest-";

inline bool is_of_several(std::string_view delivery_id) {
  return delivery_id.starts_with(group_id_prefix) || delivery_id.starts_with(digest_id_prefix);
}

// A notification that is told by itself.
inline Delivery deliver_alone(Notification notification) {
  Delivery delivery;
  delivery.id = notification.id;
  delivery.receiver = notification.receiver;
  delivery.alerts.push_back(std::move(notification));
  return delivery;
}

}  // namespace sidewatch
