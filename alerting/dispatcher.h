// Which message goes to which receiver next. Queue logic only: starts no thread, sends nothing, is given `now`.
//
//     enqueue(...)                     the rules' states and messages, committed in one transaction
//     for (auto& d : due(now)) ...     the loop hands each to its receiver's delivery thread
//     finished(receiver, id, attempt)  the thread's answer
//     next_due()                       when to call due() again although nothing happened
//
// What holds, whatever the receivers do:
// - One delivery per receiver is under way at a time, and messages of one alert keep their order; other alerts pass one
//   that is backing off. A receiver that fails waits as a whole (exponentially, from 1 s to 5 min) and delays no other.
// - Messages of one group that are due go in one delivery, to a receiver that takes several. What was tried together
//   stays together, under one id, over retries and restarts, until one of it becomes a part of a later message.
//   What becomes of a delivery becomes of each message in it; only one that is refused for good is halved first, and each
//   half tried by itself, until what is at fault is alone.
// - A receiver with a rate limit is given no more deliveries than that. What had to wait for it goes in one digest, of
//   whatever group it is; and the worst of what waits goes first, whether it was tried already or not.
// - A receiver hears the end of an incident if and only if it heard of the incident, and nothing speaks against it
//   (send_resolved). A follow-up likewise, which goes to receivers that no route chose now; it is muted when the message
//   was that told of the incident.
// - What is held back waits. What still fires when nothing holds it any more is told then, once, as it is then; what began
//   and ended meanwhile is never told. The end of what a receiver has heard of is not held back, nor the end of what it may have
//   heard of: of which an attempt failed. Where what told of it was given up after such an attempt (refused, dropped by a
//   bound or by hand), the end tells both (fired_and_resolved).
// - What is still waiting of one incident is one message: a later one takes in the earlier ones. The end takes in a
//   beginning that was never delivered (fired_and_resolved). The later message's id is kept: a receiver that did
//   get the earlier one, its answer having been lost, must not take the end for a repetition.
// - What holds a message back before its first attempt (a group that waits for others, and whatever else is to) is decided
//   in one place, State::earliest() of dispatcher_deliveries.cpp.
// - A queue over its bound drops the least severe, of those the oldest; it goes to the dead letters and is counted.
// - A message refused for good goes to the dead letters, and a copy of it to the receiver's fallback, unless that one
//   was given the same message in its own right.
// - Everything that changes is committed in the same call, through the Outbox.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alerting/delivery.h"
#include "alerting/dispatcher_hand.h"
#include "alerting/notification.h"
#include "alerting/outbox.h"
#include "alerting/rate_limit.h"
#include "alerting/receiver.h"
#include "base/retry.h"
#include "base/result.h"
#include "base/time.h"

namespace sidewatch {

inline constexpr std::size_t max_alerts_per_delivery = 100;
inline constexpr std::size_t most_reviewed = 1'000;

// Until when a message is held back now (by a silence, by a mute interval); absent: it may go.
using HoldBack = std::function<std::optional<Time>(const Notification& notification, Time now)>;

// Makes a message that was held back say what is the case now that it goes.
using Renew = std::function<void(Notification& notification, Time now)>;

// The part of it that needs no alert: told now, the incident has lasted for longer, and of its course up to now nothing is
// known.
void renew_times(Notification& notification, WallTime now);

struct DispatchTarget {
  std::string name;
  std::string fallback = {};        // name of another target; empty: none
  std::size_t max_queued = 10'000;  // messages
  bool send_resolved = true;        // whether it hears the end of what it heard of
  bool takes_groups = false;        // a delivery may hold several messages
  std::optional<RateLimit> rate_limit = {};
};

struct ReceiverStatus {
  std::string name;
  bool leaving = false;    // no longer in the configuration; its totals stay for as long as the process runs
  std::size_t queued = 0;  // with those under way
  std::size_t in_flight = 0;
  std::size_t held = 0;           // of the queued: held back by a silence or a mute interval
  std::int64_t silenced = 0;      // never told: began and ended while it was held back
  std::int64_t delivered = 0;
  std::int64_t grouped = 0;  // of the delivered: together with others
  std::int64_t deliveries = 0;
  std::int64_t digests = 0;       // of the deliveries
  std::int64_t rate_limited = 0;  // how often the limit was reached and held something back
  std::int64_t failed_attempts = 0;
  std::int64_t rejected = 0;
  std::int64_t dropped = 0;  // by the bound, or with a receiver that a reload took away
  std::int64_t merged = 0;
  std::int64_t discarded = 0;  // by a person's hand
  std::optional<WallTime> oldest_created_at;
  std::optional<Time> paused_until;
  std::string last_failure;  // empty after a delivery
};

class Dispatcher {
 public:
  // `loaded` is what the outbox held; messages for receivers that are no longer there go to the dead letters.
  Dispatcher(Outbox& outbox, Loaded& loaded, std::vector<DispatchTarget> targets, RandomUnit random, Time now,
             const RetryPolicy& policy = {});
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // What may hold messages back. It is asked when a message comes, before it goes, and once a second meanwhile; of a queue
  // of more than most_reviewed for so many at a time, and for the others as soon as an answer is another one than before.
  void set_hold_back(HoldBack hold_back);
  // It answers otherwise from now on (a silence was taken back): the next calls of due() ask it for all that waits.
  void look_again();
  // How what still fires at the end of a hold is renewed, unless it was attempted before; without it only its times are.
  void set_renew(Renew renew);

  // Commits `with` (alert states, saved time) together with `notifications`. An Error says that it is in memory only
  // for now; the messages are queued and will be sent all the same.
  Result<void> enqueue(std::vector<Notification> notifications, Transaction with, Time now);

  // Of the incidents whose ends were enqueued: the end of each of which nobody was told and nobody will be, as it was held
  // back until then. Once each.
  std::vector<Notification> take_unheard();

  // What to hand out now: at most one per receiver, each under way until `finished` or `hand_back`. What goes together is
  // on disk before. While the outbox is degraded this also asks it, every 10 s, to write what is in memory only.
  std::vector<Delivery> due(Time now);

  // While a receiver is occupied with something else it is given nothing.
  void occupy(const std::string& receiver, bool occupied);

  // What came of an attempt. An unknown id is ignored.
  Result<void> finished(const std::string& receiver, const std::string& id, const Attempt& attempt, Time now,
                        WallTime wall);

  // An answer to what no queue knows of: whether the receiver is to be left alone counts all the same (Retry-After).
  void heed(const std::string& receiver, const Attempt& attempt, Time now);

  // Whether the receiver has asked to be left alone until later.
  bool left_alone(const std::string& receiver, Time now) const;

  // The attempt did not take place (its thread ended): the message is due again, in its old place.
  void hand_back(const std::string& receiver, const std::string& id);

  // When due() should be called, unless an attempt finishes before; nothing when all is quiet.
  std::optional<Time> next_due() const;

  // The receivers after a reload. Messages of one that is gone go to the dead letters; its message under way is
  // waited for. What a kept one has waiting is due at once: the reload may have mended it.
  Result<void> reload(std::vector<DispatchTarget> targets, Time now, WallTime wall);

  // What waits, of each receiver the first `most`, in the order in which it waits.
  std::vector<WaitingMessage> waiting(const Chosen& which, std::size_t most, Time now) const;

  // What waits is tried now: no pause of its receiver and no backoff stands in its way. Silences and rate limits do.
  TriedNow try_now(const Chosen& which, Time now);

  // Takes what waits out of the queues, at most `most`, for good: it does not go to the dead letters, nor to a fallback.
  Discarded discard(const Chosen& which, std::size_t most, WallTime wall);

  // Dead letters of the outbox, the oldest first, wait again; dispatcher_dead_letters.cpp says which of them do not.
  SentAgain send_again(const std::vector<DeadLetter>& letters, const SendAgain& how, Time now, WallTime wall);

  // Whether the receiver has been told of this incident and not yet of its end.
  bool told(const std::string& receiver, const std::string& incident) const;

  std::vector<ReceiverStatus> statuses() const;  // in the order of the configuration, those that left behind
  std::size_t queued() const;                    // over all receivers

 private:
  struct Queue;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sidewatch
