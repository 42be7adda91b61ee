// What a receiver is told again while it fires: those that forget what they do not hear of (Alertmanager) ask for it
// with ReceiverPlan::resend_every.
//
// Promises: only what the receiver has been told of and has not been told the end of is sent again, and only while it
// fires; nothing of it is kept in the outbox, tried again before its time, or counted as a delivery. A delivery that is
// due goes first.
//
// Many alerts go in pieces, as deliveries do, and each piece is what fires at the moment it is sent.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "alerting/delivery.h"
#include "alerting/tick.h"
#include "base/time.h"

namespace sidewatch {

// The next piece, of alerts whose key comes behind `after` (empty: all): without alerts when there is nothing more to
// say, with fewer than max_alerts_per_delivery when it is the last. `told` says whether the receiver knows of an incident.
// The id is one of those that is_resend() knows, and another for each piece and each time.
Delivery what_fires(const std::string& receiver, const std::vector<AlertView>& alerts,
                    const std::function<bool(const std::string& incident)>& told, const std::string& after,
                    WallTime now);

}  // namespace sidewatch
