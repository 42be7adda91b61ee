// How long a restarted agent was away: what its delays and cooldowns have to know.
#pragma once

#include "alerting/outbox.h"
#include "base/time.h"

namespace sidewatch {

// When the last process is known to have lived. Damage can take the saved time away and leave the alerts: then it is the
// latest time that they speak of, and `now` when there are none.
SavedAt last_life(const Loaded& loaded, Time now);

// On the same boot of the machine the kernel's clock says it; otherwise only the wall clock can. Never negative.
// `now` is of the new process, as its timeline starts: at the wall clock's reading.
Duration time_away(const SavedAt& saved, const BootPosition& boot, Time now);

}  // namespace sidewatch
