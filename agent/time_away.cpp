#include "agent/time_away.h"

#include <algorithm>

#include "alerting/engine.h"

namespace sidewatch {

SavedAt last_life(const Loaded& loaded, Time now) {
  if (loaded.saved) return *loaded.saved;
  return {newest_time(loaded.states).value_or(now), Duration(0), {}};
}

Duration time_away(const SavedAt& saved, const BootPosition& boot, Time now) {
  Duration away = now - Time(saved.time.time_since_epoch() + saved.wall_step);
  if (!boot.boot_id.empty() && saved.boot.boot_id == boot.boot_id) {
    away = Duration(boot.boot_time_ms - saved.boot.boot_time_ms);
  }
  return std::max(away, Duration(0));
}

}  // namespace sidewatch
