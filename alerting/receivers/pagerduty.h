// The `pagerduty` receiver: PagerDuty's Events API v2. An incident there opens, grows and closes with ours.
//
// A problem is a `trigger`, its end a `resolve`, both with one dedup_key: the alert's identity and `source`, so that
// further messages about an alert join its incident, and hosts whose alerts have the same labels do not close each
// other's. What fired and was over before PagerDuty could be reached is a `resolve` of nothing there: nobody is woken.
//
// PagerDuty answers 202 with the event taken, 400 with `errors` for one it never takes, and 429 to too many. A routing
// key that it does not know is a fault of the configuration and not of the message, which is kept.
#pragma once

#include <optional>

#include "alerting/receivers/table.h"

namespace sidewatch {

std::optional<ReceiverPlan> configure_pagerduty(config::Section& entry, const ReceiverContext& context, EntryUse use);

}  // namespace sidewatch
