// The `opsgenie` receiver: alerts in Opsgenie (or what speaks its API, v2), opened and closed with ours.
//
// The alias is the alert's identity and `source`, as with PagerDuty, so that messages about an alert join what is open.
// Joining does not change an open alert's priority there: when the level changes a second request does. What fired and
// was over before Opsgenie could be reached closes nothing there: nobody is woken.
#pragma once

#include <optional>

#include "alerting/receivers/table.h"

namespace sidewatch {

std::optional<ReceiverPlan> configure_opsgenie(config::Section& entry, const ReceiverContext& context, EntryUse use);

}  // namespace sidewatch
