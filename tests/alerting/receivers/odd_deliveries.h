// Deliveries that are hard to put into a service's form: very long, very many, and such that try to be more than text.
#pragma once

#include <string>

#include "alerting/delivery.h"
#include "tests/support/notifications.h"

namespace sidewatch {

inline std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  while (times-- > 0) all += text;
  return all;
}

// Every text of it is longer than any service takes, in characters of four bytes and in those that services escape.
inline Delivery long_delivery(std::string_view of = "\xF0\x9F\x94\xA5*_<&") {
  Notification n = make_notification({.id = "n-1", .level = Level::critical});
  n.annotations = Labels{{"description", repeated(of, 6000)}, {"summary", repeated(of, 300)},
                         {"runbook_url", "https://wiki.example/" + repeated("a", 3000)}};
  n.labels = Labels{{"alertname", repeated(of, 300)}, {"instance", repeated(of, 2000)}, {"severity", "critical"}};
  n.rule = repeated(of, 300);
  n.recent = {1, 2, 3, 4};
  n.suppressed = 3;
  return deliver_alone(n);
}

inline Delivery group_of(std::size_t count) {
  Delivery delivery = deliver_alone(make_notification({.id = "n-0", .alert = "web-0"}));
  for (std::size_t i = 1; i < count; ++i) {
    const Level level = i == 1 ? Level::critical : Level::warning;
    delivery.alerts.push_back(
        make_notification({.id = "n-" + std::to_string(i), .alert = "web-" + std::to_string(i), .level = level}));
  }
  delivery.group_labels = Labels{{"cluster", "shop"}};
  return delivery;
}

// `text` wherever a label or an annotation can be.
inline Delivery saying_everywhere(const std::string& text) {
  Notification n = make_notification({.id = "n-1", .level = Level::critical});
  n.annotations = Labels{{"description", text}, {"summary", text}, {"runbook_url", text}};
  n.labels = Labels{{"alertname", "Rule"}, {"instance", text}, {"severity", "critical"}};
  n.rule = text;
  n.unit = text;
  return deliver_alone(n);
}

}  // namespace sidewatch
