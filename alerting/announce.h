// From a decision to the messages themselves: labels, texts, identities and times of what receivers are given.
#pragma once

#include <string>
#include <vector>

#include "alerting/alert.h"
#include "alerting/notification.h"
#include "alerting/plan.h"
#include "alerting/routes/route.h"
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

// Whether a message about the alert as it is now would reach anybody: somebody for whom these labels are, or who was told
// of the incident already.
bool reaches_somebody(const Alert& alert, const Labels& labels, const Router& router);

// One message per receiver: for those to whom these labels are routed, and as a follow-up for all others, since who of
// them has heard of the incident only the dispatcher knows. Of `alert`, told_labels are set: a resolved message carries
// those of the problem message.
void announce(Alert& alert, const Rule& rule, const Decision& decision, const Moment& moment, AlertTexts texts,
              const Router& router, std::vector<Notification>& out);

}  // namespace sidewatch
