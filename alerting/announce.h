// From a decision to the messages themselves: labels, texts, identities and times of what receivers are given.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "alerting/alert.h"
#include "alerting/notification.h"
#include "alerting/plan.h"
#include "alerting/rule.h"
#include "base/time.h"

namespace sidewatch {

struct Moment {
  Time now;
  Duration wall_step{0};
  WallTime wall() const { return to_wall(now, wall_step); }
};

// What an alert is called and what is said about it.
struct AlertTexts {
  // Labels of the entity, of the rule (which win) and of sidewatch: alertname, and severity unless the rule sets it.
  // In Prometheus's form there is no severity that nobody wrote.
  Labels labels;
  Labels annotations;
};

// Rendered with the alert's present value.
AlertTexts texts_of(const Alert& alert, const Rule& rule, Level level, const TemplateScope* scope);

// One message per receiver. Of `alert`, told_labels are set: a resolved message carries those of the problem message.
void announce(Alert& alert, const Rule& rule, const Decision& decision, const Moment& moment, AlertTexts texts,
              std::span<const std::string> receivers, std::vector<Notification>& out);

}  // namespace sidewatch
