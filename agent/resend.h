// What a receiver is told again while it fires: those that forget what they do not hear of (Alertmanager) ask for it
// with ReceiverPlan::resend_every.
//
// Promises: only what the receiver has been told of and has not been told the end of is sent again, and only while it
// fires; nothing of it is kept in the outbox, tried again before its time, or counted as a delivery. A delivery that is
// due goes first.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "alerting/delivery.h"
#include "alerting/tick.h"
#include "base/time.h"

namespace sidewatch {

// `told` says whether the receiver knows of an incident. Without alerts when there is nothing to say; its id is
// resend_id.
Delivery what_fires(const std::string& receiver, const std::vector<AlertView>& alerts,
                    const std::function<bool(const std::string& incident)>& told, WallTime now);

}  // namespace sidewatch
