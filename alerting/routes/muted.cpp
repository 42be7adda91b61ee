#include "alerting/routes/muted.h"

#include <algorithm>

namespace sidewatch {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string in_words(const std::vector<std::string>& by, const ZoneClock& zone, WallTime until, WallTime now) {
  std::string words = until < now + longest_mute_told ? "until " + clock_words(zone, until, now) : "for more than a year";
  for (const auto& name : by) words += (&name == &by.front() ? ": " : ", ") + name;
  return words;
}

}  // namespace

std::optional<Muted> muted_now(const Recipient& recipient, const std::vector<MuteTime>& mutes, WallTime now) {
  if (recipient.route == nullptr) return std::nullopt;
  Muted muted;
  muted.until = now;
  const MuteTime* last = nullptr;  // the one that ends it
  // One that begins before another ends goes on where that left off.
  for (bool longer = true; longer && muted.until < now + longest_mute_told;) {
    longer = false;
    const WallTime from = muted.until;
    for (const MuteTime& mute : mutes) {
      if (!contains(recipient.route->mute, mute.name)) continue;
      const auto until = muted_until(mute, from);
      if (!until) continue;
      if (from == now) muted.by.push_back(mute.name);
      if (*until <= muted.until) continue;
      muted.until = *until;
      last = &mute;
      longer = true;
    }
  }
  if (last == nullptr) return std::nullopt;
  muted.words = in_words(muted.by, last->zone, muted.until, now);
  return muted;
}

std::optional<Muted> muted_now(const std::vector<Recipient>& recipients, const std::vector<MuteTime>& mutes, WallTime now) {
  std::optional<Muted> first;  // to be told again
  std::vector<std::string> by;
  for (const Recipient& recipient : recipients) {
    auto muted = muted_now(recipient, mutes, now);
    if (!muted) return std::nullopt;
    for (const auto& name : muted->by) {
      if (!contains(by, name)) by.push_back(name);
    }
    if (!first || muted->until < first->until) first = std::move(muted);
  }
  if (first) first->by = std::move(by);
  return first;
}

}  // namespace sidewatch
