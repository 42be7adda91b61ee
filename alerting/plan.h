// From transitions to messages: who is told what, and why not.
//
// The one idea: compare what is the case with what people were told last. A problem that is higher than what they know
// is news and goes out at once; other problem messages wait for the cooldown; a resolved message goes only to those
// who were told of the problem. So flapping of any kind costs one message per cooldown, whether it flaps between ok
// and warning, between warning and critical, or over several incidents.
//
// What follows for the changes of level:
// - Escalation goes out at once, whatever the cooldown: also when the warning itself was held back, also when a new
//   incident begins higher than the last message said. Only after a *critical* message is a second critical within the
//   same cooldown no news but a repetition, whether it comes directly or by way of a warning: else a value that swings
//   through both thresholds would page at every swing. It waits, at most until that cooldown ends.
// - `for` is a matter of the state (see state.h): each level is held for its own time, and both times run at once. An
//   escalation is told when the critical level has been held, not a second `for` after the warning.
// - De-escalation is an update and no page: it waits for the cooldown, and is left out when the level is back by then.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "alerting/notification.h"
#include "alerting/policy/state.h"
#include "base/time.h"

namespace sidewatch {

// Why a message is not sent.
enum class Suppression {
  cooldown,         // too soon after the last problem message; sent when the cooldown ends if it still holds
  never_announced,  // resolved, but nobody was told that it fired
  no_receiver,      // nobody to tell; sent when there is somebody and it still holds
  already_known,    // back at what people were told last
};
std::string_view to_string(Suppression suppression);

// What people know about an alert, over all its incidents.
struct Contact {
  Level told = Level::ok;                // of the present incident; ok: nothing yet
  Level last_problem_level = Level::ok;  // of the last problem message, of whatever incident
  std::optional<Time> last_problem;      // when that was queued: the cooldown counts from here
  std::optional<Suppression> waiting;    // a message of the present incident waits, for this reason
  std::int64_t suppressed = 0;           // problem messages that the cooldown held back since the last message sent
  std::uint64_t messages = 0;            // sent in the present incident: numbers the idempotency keys
  Level level_before = Level::ok;        // last_problem_level as it was before the present incident,
  std::optional<Time> problem_before;    // and last_problem
  bool operator==(const Contact&) const = default;
};

struct Decision {
  std::optional<Reason> send;
  std::optional<Suppression> suppressed;
  std::int64_t suppressed_before = 0;  // with `send`: how many messages it stands for besides itself
};

struct Situation {
  Level level = Level::ok;  // after the transition
  Transition transition = Transition::none;
  Duration cooldown{0};
  bool has_receiver = true;
};

// Decides for one alert at one tick and notes in `contact` what is sent (queued is as good as sent).
Decision plan(Contact& contact, const Situation& situation, Time now);

// When a message that waits for the cooldown is due; absent: none waits.
std::optional<Time> next_due(const Contact& contact, Duration cooldown);

// Nothing worth remembering: no incident was announced, nothing waits, no cooldown runs, and no suppressed message is
// still to be told of (which is given up after suppressed_memory).
bool idle(const Contact& contact, Duration cooldown, Time now);

inline constexpr Duration suppressed_memory = std::chrono::hours(24);

// The incident is over, and its messages reached nobody: people know what they knew before it.
void unheard(Contact& contact);

void shift(Contact& contact, Duration real);

}  // namespace sidewatch
