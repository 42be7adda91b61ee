// The `alertmanager` receiver: alerts as Prometheus sends them, to every peer of a cluster of Alertmanagers (API v2).
//
// A firing alert is given an end several intervals ahead and is sent again every interval (ReceiverPlan::resend_every),
// so that Alertmanager resolves it by itself when the agent is gone. An alert whose labels change (its severity does
// with its level) is another one there: the one before is ended in the same request, and in each until every peer has
// taken one.
//
// Alertmanagers do not tell each other alerts, so each peer is asked, those that answered last time first. A delivery
// is over when each has taken it; who has is remembered, and a retry goes to the others. A peer that stays away delays
// nothing for long: after three attempts, or one where it was away before, what the others took counts as delivered,
// and the next sending of what fires tells it to the peer when it is back.
#pragma once

#include <optional>

#include "alerting/receivers/table.h"

namespace sidewatch {

std::optional<ReceiverPlan> configure_alertmanager(config::Section& entry, const ReceiverContext& context,
                                                   EntryUse use);

}  // namespace sidewatch
