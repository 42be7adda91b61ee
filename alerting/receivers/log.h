// The `log` receiver: one readable line per message, in the agent's own log.
#pragma once

#include <optional>
#include <string>

#include "alerting/receivers/table.h"

namespace sidewatch {

// "FIRING critical HostMemoryHigh{instance="db1"}: Memory at 93% (value 93.25, peak 96.5)". One line, whatever the
// labels hold.
std::string log_line(const Notification& notification);

std::optional<ReceiverPlan> configure_log(config::Section& entry, const ReceiverContext& context, EntryUse use);

}  // namespace sidewatch
