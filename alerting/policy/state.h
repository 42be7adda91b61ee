// The alert state machine: what one alert (one entity of one rule) is, and how it goes on.
//
// advance() is a pure function: no clock, no store, nothing sent. An alert has two levels, and each of them is entered
// and left with a delay of its own: it is entered when the readings have been at it for its Hold without a break, and
// left when they have been below it for keep_firing_for without a break. The alert's level is the highest one held.
// A reading at critical counts for both levels at once, so the delays run side by side and never one after the other;
// but a spike to critical is held off for the critical level's Hold also while the warning fires.
//
//     inactive --reached--> pending --held--> firing --left--> recovering --keep_firing_for--> inactive
//                             |  ^              ^                  |
//                             +--+ broken       +---- relapsed ----+
//
// Time without data is nobody's time: while a reading is unknown, both delays stand still, and nothing fires or
// resolves. Once that has lasted no_data_after, the rule's no_data policy takes the place of the reading; `keep` keeps
// what fires and forgets what was only pending.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "alerting/notification.h"
#include "alerting/threshold.h"
#include "base/time.h"

namespace sidewatch {

enum class Reading { ok, warning, critical, unknown };
std::string_view to_string(Reading reading);

// How long, or over how many samples, a level must be reached before it counts.
struct Hold {
  Duration duration{0};  // used when `of` is 0
  unsigned at_least = 0;
  unsigned of = 0;       // samples looked at, 1..64; 0: `duration` counts
  bool operator==(const Hold&) const = default;
};
inline constexpr unsigned max_hold_samples = 64;

enum class NoData { keep, ok, warning, critical };
std::string_view to_string(NoData policy);

struct LevelPolicy {
  Threshold threshold;
  Hold hold;
  bool operator==(const LevelPolicy&) const = default;
};

struct Policy {
  std::optional<LevelPolicy> warning;
  std::optional<LevelPolicy> critical;
  Duration keep_firing_for{0};
  NoData no_data = NoData::keep;
  Duration no_data_after = std::chrono::minutes(5);
  bool operator==(const Policy&) const = default;
};

// What was seen: the value (NaN: none) and which sample it comes from. The same sample seen twice counts once.
struct Observation {
  double value = std::numeric_limits<double>::quiet_NaN();
  Time sampled;
};

// How one level is being entered or left.
struct Track {
  std::optional<Time> reached;  // not held: since when the readings are at it (of: since the first of the window)
  std::optional<Time> left;     // held: since when the readings are below it
  std::uint64_t breaches = 0;   // not held, with `of`: one bit per sample, the newest is bit 0
  bool operator==(const Track&) const = default;
};

struct AlertState {
  Level level = Level::ok;  // what it fires at
  Level worst = Level::ok;  // of the present or, once resolved, of the last incident
  Track warning;
  Track critical;
  std::optional<Time> unknown_since;
  bool no_data = false;                // the no_data policy has taken the reading's place
  std::optional<Time> active_since;    // pending or firing since
  std::optional<Time> fired_at;        // of the present or the last incident
  std::optional<Time> sampled;         // the newest sample counted in `breaches`
  double value = std::numeric_limits<double>::quiet_NaN();  // the last known; NaN once the no_data policy applies
  double peak = std::numeric_limits<double>::quiet_NaN();   // the worst since active_since

  bool pending() const { return level == Level::ok && (warning.reached || critical.reached); }
  bool firing() const { return level != Level::ok; }
  bool recovering() const { return firing() && warning.left.has_value(); }
  Level approaching() const;  // while pending: the level that is being reached
};

enum class Transition {
  none,
  pending,      // inactive -> pending
  cleared,      // pending -> inactive, nothing fired
  fired,        // -> firing
  escalated,    // warning -> critical
  deescalated,  // critical -> warning
  recovering,   // firing, but the readings are clear: keep_firing_for runs
  relapsed,     // recovering -> firing again, the same incident
  resolved,     // -> inactive
};
std::string_view to_string(Transition transition);

struct Step {
  AlertState next;
  Transition transition = Transition::none;
};

// What a value means to an alert that fires at `held`: hysteresis is here.
Reading judge(const Policy& policy, Level held, double value);

Step advance(const AlertState& state, const Policy& policy, const Observation& seen, Time now);

// When advance() would do something although nothing new is seen; absent: never.
std::optional<Time> next_due(const AlertState& state, const Policy& policy);

// It is over whatever the readings are (its rule is gone): resolved if it fired, cleared if it was pending.
Step end(const AlertState& state);

// Nothing would be lost if this were forgotten and begun anew.
bool idle(const AlertState& state);

// Carries a state over a time when nobody looked: points that measure what was seen move by `paused`, so that the time
// away counts neither as breach nor as recovery; points in real time move by `real`.
void shift(AlertState& state, Duration paused, Duration real);

// The rule's thresholds changed: the level stays until the next reading judges it, delays begin anew.
void restart_tracks(AlertState& state);

}  // namespace sidewatch
