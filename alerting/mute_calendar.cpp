#include "alerting/mute_calendar.h"

#include <utility>

namespace sidewatch {

void MuteCalendar::replace(std::vector<MuteTime> mutes) {
  entries_.clear();
  for (MuteTime& mute : mutes) {
    std::string name = mute.name;
    entries_.insert_or_assign(std::move(name), Entry{std::move(mute), {}, {}, {}});
  }
}

std::optional<WallTime> MuteCalendar::until(const std::string& name, WallTime now) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return std::nullopt;
  Entry& entry = found->second;
  const bool fresh = entry.asked && *entry.asked <= now && (!entry.changes || now < *entry.changes);  // clocks are set
  if (!fresh) {
    entry.asked = now;
    entry.ends = muted_until(entry.mute, now);
    entry.changes = entry.ends ? entry.ends : next_change(entry.mute, now);
  }
  return entry.ends;
}

}  // namespace sidewatch
