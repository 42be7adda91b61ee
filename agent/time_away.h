// How long a restarted agent was away: what its delays and cooldowns have to know.
#pragma once

#include "alerting/outbox.h"
#include "base/time.h"

namespace sidewatch {

// On the same boot of the machine the kernel's clock says it; otherwise only the wall clock can. Never negative.
// `now` is of the new process, as its timeline starts: at the wall clock's reading.
Duration time_away(const SavedAt& saved, const BootPosition& boot, Time now);

}  // namespace sidewatch
