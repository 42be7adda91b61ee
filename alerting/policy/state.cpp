// One alert goes on: see state.h for the picture.

#include "alerting/policy/state.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sidewatch {
namespace {

// Where the no_data policy has a say, it stands in for the reading; the delay of entering is then over, because
// no_data_after was the wait.
struct Seen {
  Level level = Level::ok;
  bool by_policy = false;
};

Level level_of(Reading reading) {
  switch (reading) {
    case Reading::warning: return Level::warning;
    case Reading::critical: return Level::critical;
    case Reading::ok:
    case Reading::unknown: return Level::ok;
  }
  return Level::ok;
}

Level level_of(NoData policy) {
  switch (policy) {
    case NoData::warning: return Level::warning;
    case NoData::critical: return Level::critical;
    case NoData::ok:
    case NoData::keep: return Level::ok;
  }
  return Level::ok;
}

Hold hold_of(const std::optional<LevelPolicy>& level) { return level ? level->hold : Hold{}; }

Track& track_of(AlertState& state, Level level) { return level == Level::critical ? state.critical : state.warning; }

void delay(std::optional<Time>& point, Duration by) {
  if (point) *point += by;
}

void delay_tracks(AlertState& state, Duration by) {
  for (Track* track : {&state.warning, &state.critical}) {
    delay(track->reached, by);
    delay(track->left, by);
  }
}

std::uint64_t window(const Hold& hold) {
  return hold.of >= max_hold_samples ? ~std::uint64_t{0} : (std::uint64_t{1} << hold.of) - 1;
}

// A level that is not held: notes the reading, and says whether the level is entered with it.
bool entering(Track& track, const Hold& hold, bool at_level, bool new_sample, bool by_policy, Time now) {
  if (hold.of > 0 && !by_policy) {
    if (new_sample) track.breaches = ((track.breaches << 1) | (at_level ? 1U : 0U)) & window(hold);
    if (track.breaches == 0) track.reached.reset();
    else if (!track.reached) track.reached = now;
    return at_level && static_cast<unsigned>(std::popcount(track.breaches)) >= hold.at_least;
  }
  if (!at_level) {
    track = Track{};
    return false;
  }
  if (!track.reached) track.reached = now;
  return by_policy || now - *track.reached >= hold.duration;
}

// A level that is held: notes the reading, and says whether the level is left with it.
bool leaving(Track& track, Duration keep_firing_for, bool at_level, Time now) {
  if (at_level) {
    track.left.reset();
    return false;
  }
  if (!track.left) track.left = now;
  return now - *track.left >= keep_firing_for;
}

// The level after a reading. Each level minds its own delay; critical implies warning.
Level next_level(AlertState& state, const Policy& policy, const Seen& seen, bool new_sample, Time now) {
  const auto held = [&](Level level) { return state.level >= level; };
  const auto enters = [&](Level level, const Hold& hold) {
    return !held(level) &&
           entering(track_of(state, level), hold, seen.level >= level, new_sample, seen.by_policy, now);
  };
  const auto leaves = [&](Level level) {
    return held(level) && leaving(track_of(state, level), policy.keep_firing_for, seen.level >= level, now);
  };
  const bool warning_entered = enters(Level::warning, hold_of(policy.warning ? policy.warning : policy.critical));
  const bool critical_entered = enters(Level::critical, hold_of(policy.critical));
  const bool warning_left = leaves(Level::warning);
  const bool critical_left = leaves(Level::critical);
  if (critical_entered) return Level::critical;
  if (warning_entered) return Level::warning;
  if (warning_left) return Level::ok;
  if (critical_left) return Level::warning;
  return state.level;
}

// Delays of levels that changed hands are over; after an incident every level earns its delay anew.
void settle_tracks(AlertState& state, Level before) {
  for (const Level level : {Level::warning, Level::critical}) {
    Track& track = track_of(state, level);
    if (state.level >= level) {
      track.reached.reset();
      track.breaches = 0;
    } else if (before >= level || (before != Level::ok && state.level == Level::ok)) {
      track = Track{};
    }
  }
}

void note_value(AlertState& state, const Policy& policy, const Seen& seen, double value) {
  state.value = value;
  const auto& level = policy.warning ? policy.warning : policy.critical;
  if (seen.level != Level::ok && level && level->threshold.worse(value, state.peak)) state.peak = value;
}

Transition name_of(const AlertState& before, const AlertState& after) {
  if (after.level > before.level) return before.firing() ? Transition::escalated : Transition::fired;
  if (after.level < before.level) return after.firing() ? Transition::deescalated : Transition::resolved;
  if (before.pending() != after.pending()) return after.pending() ? Transition::pending : Transition::cleared;
  if (before.recovering() != after.recovering()) {
    return after.recovering() ? Transition::recovering : Transition::relapsed;
  }
  return Transition::none;
}

Step on_reading(const AlertState& before, const Policy& policy, const Observation& observed, const Seen& seen,
                Time now) {
  Step step{before, Transition::none};
  AlertState& state = step.next;
  const bool new_sample = !seen.by_policy && (!state.sampled || observed.sampled > *state.sampled);
  if (new_sample) state.sampled = observed.sampled;
  if (!state.active_since) state.peak = std::numeric_limits<double>::quiet_NaN();
  state.level = next_level(state, policy, seen, new_sample, now);
  settle_tracks(state, before.level);
  note_value(state, policy, seen, observed.value);
  if (state.firing() && !before.firing()) {
    state.fired_at = now;
    state.worst = Level::ok;
  }
  if (state.firing()) state.worst = std::max(state.worst, state.level);
  if (!state.firing() && !state.pending()) state.active_since.reset();
  else if (!state.active_since) state.active_since = now;
  step.transition = name_of(before, state);
  return step;
}

// No data, and the rule keeps things as they are: what was only pending is forgotten after no_data_after.
Step keep_unknown(AlertState state, const Policy& policy, Time now) {
  const bool forget = state.pending() && now - *state.unknown_since >= policy.no_data_after;
  if (!forget) return {std::move(state), Transition::none};
  state.warning = state.critical = Track{};
  state.active_since.reset();
  return {std::move(state), Transition::cleared};
}

Step on_unknown(AlertState state, const Policy& policy, Time now) {
  if (!state.unknown_since) state.unknown_since = now;
  if (policy.no_data == NoData::keep) return keep_unknown(std::move(state), policy, now);
  if (now - *state.unknown_since < policy.no_data_after) return {std::move(state), Transition::none};
  if (!state.no_data) delay_tracks(state, now - *state.unknown_since);
  state.no_data = true;
  const Level stand_in = level_of(policy.no_data);
  // "No data is critical" may raise an alert but never lowers one.
  const Seen seen{policy.no_data == NoData::ok ? Level::ok : std::max(stand_in, state.level), true};
  return on_reading(state, policy, Observation{}, seen, now);
}

}  // namespace

Level AlertState::approaching() const {
  if (!pending()) return Level::ok;
  return critical.reached ? Level::critical : Level::warning;
}

Reading judge(const Policy& policy, Level held, double value) {
  if (std::isnan(value)) return Reading::unknown;
  const auto at = [&](const std::optional<LevelPolicy>& level, Level which) {
    return level && (held >= which ? level->threshold.kept(value) : level->threshold.entered(value));
  };
  if (at(policy.critical, Level::critical)) return Reading::critical;
  if (at(policy.warning, Level::warning)) return Reading::warning;
  return Reading::ok;
}

Step advance(const AlertState& state, const Policy& policy, const Observation& seen, Time now) {
  const Reading reading = judge(policy, state.level, seen.value);
  if (reading == Reading::unknown) return on_unknown(state, policy, now);
  AlertState known = state;
  if (known.unknown_since && !known.no_data) delay_tracks(known, now - *known.unknown_since);
  known.unknown_since.reset();
  known.no_data = false;
  return on_reading(known, policy, seen, {level_of(reading), false}, now);
}

std::optional<Time> next_due(const AlertState& state, const Policy& policy) {
  if (state.unknown_since && !state.no_data) {
    if (policy.no_data == NoData::keep && !state.pending()) return std::nullopt;
    return *state.unknown_since + policy.no_data_after;
  }
  std::optional<Time> due;
  const auto consider = [&](const std::optional<Time>& since, Duration wait) {
    if (since && (!due || *since + wait < *due)) due = *since + wait;
  };
  const Hold warning = hold_of(policy.warning ? policy.warning : policy.critical);
  const Hold critical = hold_of(policy.critical);
  if (warning.of == 0) consider(state.warning.reached, warning.duration);
  if (critical.of == 0) consider(state.critical.reached, critical.duration);
  consider(state.warning.left, policy.keep_firing_for);
  consider(state.critical.left, policy.keep_firing_for);
  return due;
}

Step end(const AlertState& state) {
  Step step{state, Transition::none};
  step.next.level = Level::ok;
  step.next.warning = step.next.critical = Track{};
  step.next.active_since.reset();
  step.next.value = std::numeric_limits<double>::quiet_NaN();
  step.transition = name_of(state, step.next);
  return step;
}

bool idle(const AlertState& state) { return !state.firing() && !state.pending(); }

void shift(AlertState& state, Duration paused, Duration real) {
  delay_tracks(state, paused);
  delay(state.unknown_since, paused);
  delay(state.active_since, real);
  delay(state.fired_at, real);
  delay(state.sampled, real);
}

void restart_tracks(AlertState& state) {
  const bool was_pending = state.pending();
  state.warning = state.critical = Track{};
  state.no_data = false;
  if (was_pending) state.active_since.reset();
}

std::string_view to_string(Reading reading) {
  switch (reading) {
    case Reading::ok: return "ok";
    case Reading::warning: return "warning";
    case Reading::critical: return "critical";
    case Reading::unknown: return "unknown";
  }
  return "unknown";
}

std::string_view to_string(NoData policy) {
  switch (policy) {
    case NoData::keep: return "keep";
    case NoData::ok: return "ok";
    case NoData::warning: return "warning";
    case NoData::critical: return "critical";
  }
  return "keep";
}

std::string_view to_string(Transition transition) {
  switch (transition) {
    case Transition::none: return "none";
    case Transition::pending: return "pending";
    case Transition::cleared: return "cleared";
    case Transition::fired: return "fired";
    case Transition::escalated: return "escalated";
    case Transition::deescalated: return "deescalated";
    case Transition::recovering: return "recovering";
    case Transition::relapsed: return "relapsed";
    case Transition::resolved: return "resolved";
  }
  return "none";
}

}  // namespace sidewatch
