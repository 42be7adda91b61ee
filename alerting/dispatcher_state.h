// The inside of the dispatcher: its queues and what is done with them; see dispatcher.h.
//
// dispatcher.cpp has what the loop calls, dispatcher_queues.cpp what becomes of a message in its queue,
// dispatcher_deliveries.cpp which messages go when and together, dispatcher_holds.cpp which are held back,
// dispatcher_changes.cpp what a restart and a reload do, dispatcher_hand.cpp and dispatcher_dead_letters.cpp what people do.
// Included by these alone.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "alerting/dispatcher.h"
#include "alerting/receiver_queue.h"

namespace sidewatch {

// Before a receiver's name: the row among the states that says when its rate limit is used up no more.
inline constexpr std::string_view rate_row_prefix = "~rate/";

// Behind an incident among those told: its end is not wanted by whoever told of it. Incidents have no line breaks.
inline constexpr std::string_view no_end_wanted = "\nno end";

// Likewise, and before the name of a mute time: during which it is not told how the incident goes on.
inline constexpr std::string_view muted_during = "\nmuted ";

// Likewise: what told it of the incident was given up after attempts, one of which may have arrived.
inline constexpr std::string_view may_know = "\nmay know";

// Likewise: a message about it is a dead letter. And when there was one, and the incident is over, and the receiver had heard
// of it, or is told of it through one: its dead letters have nothing to tell any more, but for the end.
inline constexpr std::string_view has_dead_letter = "\ndead letter";
inline constexpr std::string_view knew_of_it = "\nknew of it";

struct Dispatcher::Queue {
  DispatchTarget target;
  ReceiverQueue line;
  std::string under_way;                 // id of the delivery; empty: none
  std::map<std::string, Time> groups;    // until when the first of a group waits for others
  RateBucket bucket;
  bool held_back = false;                // something waits, or has waited, for the rate limit alone
  std::set<std::string> told;            // incidents, and behind each the marks it has
  std::int64_t failures = 0;             // in a row
  Time paused_until;
  ReceiverQueue::Number reviewed_to = 0;  // whether it is held; the next review goes on from there
  std::size_t to_review = 0;              // that are still to be looked at before the next second is over
  Time left_alone_until;                 // as it asked for: nothing at all is sent
  bool occupied = false;  // with what is not of this queue
  bool leaving = false;  // gone from the configuration, with one message still under way
  ReceiverStatus status;

  // Whether a message about this incident goes on what the receiver knows, or will know.
  bool knows(const std::string& incident) const { return told.contains(incident) || line.speaks_of(incident); }
  bool wants_end(const std::string& incident) const {
    return target.send_resolved && !told.contains(incident + std::string(no_end_wanted));
  }
  // Whether it may have heard of the incident through a message that waits no more.
  bool may_have_heard(const std::string& incident) const { return has_mark(incident, may_know); }
  bool has_mark(const std::string& incident, std::string_view mark) const {
    return told.contains(incident + std::string(mark));
  }
  // Whether a message waits here, or is under way, that was written later about the same alert, or whether the receiver has
  // heard that it fires anew.
  bool has_newer_than(const Notification& notification) const;
  std::vector<std::string> marks_of(const std::string& incident) const;  // as they stand in `told`
  std::vector<std::string> mutes_of(const std::string& incident) const;
};

struct Dispatcher::State {
  Outbox& outbox;
  RandomUnit random;
  RetryPolicy policy;
  std::vector<std::unique_ptr<Queue>> queues;  // in the order of the configuration, the leaving ones behind
  std::optional<Time> next_save;               // while the outbox is degraded
  std::map<std::string, ReceiverStatus> gone;  // what became of the messages for receivers that are no more
  HoldBack hold_back = {};                     // empty: nothing is
  Renew renew = [](Notification& notification, Time now) { renew_times(notification, to_wall(now, Duration(0))); };
  Time next_review = {};                       // of what is held back
  std::vector<Notification> silenced = {};     // ends that were dropped since the last messages came
  std::vector<Notification> unheard = {};      // of those, what take_unheard() gives

  Queue* find(const std::string& receiver);
  void save_what_waits(Time now);
  Time earliest(Queue& queue, const Notification& notification, Time now);
  void inherit_mutes(Queue& queue, ReceiverQueue::Number number, Transaction& changes);
  bool ends_what_is_known(const Queue& queue, const ReceiverQueue::Entry& entry) const;
  void note_hold(Queue& queue, ReceiverQueue::Number number, Transaction& changes);
  void release(Queue& queue, ReceiverQueue::Number number, Transaction& changes, Time now);
  bool hold(Queue& queue, ReceiverQueue::Number number, Transaction& changes, Time now);
  void silence(Queue& queue, ReceiverQueue::Number number, Transaction& changes);
  bool told_of(const std::string& incident) const;
  bool awaits(const std::string& incident) const;
  bool review(Queue& queue, const std::vector<ReceiverQueue::Number>& numbers, Transaction& changes, Time now);
  void review_some(Queue& queue, Transaction& changes, Time now);
  void review_all(Queue& queue, Transaction& changes, Time now);
  std::optional<Delivery> next_delivery(Queue& queue, Transaction& changes, Time now);
  std::optional<ReceiverQueue::Number> whose_turn(const Queue& queue, Time now) const;
  std::vector<ReceiverQueue::Number> what_goes_now(Queue& queue, Transaction& changes, Time now);
  std::vector<ReceiverQueue::Number> what_goes_together(Queue& queue, ReceiverQueue::Number first, Time now);
  std::string batch_id(const Queue& queue, const std::vector<ReceiverQueue::Number>& numbers, std::string_view prefix) const;
  void pin(Queue& queue, ReceiverQueue::Number number, const std::string& batch, Transaction& changes);
  void dissolve(Queue& queue, const std::string& batch, Transaction& changes);
  std::vector<ReceiverQueue::Number> held_back_together(Queue& queue, Time now);
  void use_rate(Queue& queue, Transaction& changes, Time now);
  void restore_rates(Loaded& loaded, Transaction& changes, Time now);
  void take_apart(Queue& queue, const std::string& why, Transaction& changes, Time now);
  void note_fallbacks(std::vector<Notification>& notifications);
  void remember(Queue& queue, const Notification& told, Transaction& changes);
  void mark(Queue& queue, const std::string& incident, std::string_view mark, Transaction& changes);
  void give_up(Queue& queue, ReceiverQueue::Number number, Outcome outcome, Transaction& changes);
  void tell_both(Queue& queue, ReceiverQueue::Number number, Transaction& changes);
  void forget(Queue& queue, const std::string& incident, Transaction& changes);
  void offer(Queue& queue, Notification notification, Transaction& changes, Time now, std::int64_t attempts = 0);
  void rewrite(const Notification& notification, Transaction& changes);
  void merge(Queue& queue, const std::vector<ReceiverQueue::Number>& waiting, bool known, Transaction& changes);
  void settle(Queue& queue, const std::string& incident, Transaction& changes, Time now);
  void hold_to_bound(Queue& queue, Transaction& changes);
  void leave(Queue& queue, ReceiverQueue::Number number, Outcome outcome, std::string why, Transaction& changes);
  bool hand_to_fallback(const Queue& queue, Notification notification, Transaction& changes, Time now);
  void hand_on_the_rest(Queue& queue, const std::string& incident, Transaction& changes, Time now);
  void delivered(Queue& queue, Transaction& changes, Time now);
  void did_not_arrive(const Queue& queue, ReceiverQueue::Number number, Transaction& changes);
  void rejected(Queue& queue, ReceiverQueue::Number number, const std::string& why, Transaction& changes, Time now);
  void refused(Queue& queue, const std::string& why, Transaction& changes, Time now);
  bool owes_an_end(const Queue& queue) const;
  void retry(Queue& queue, const RetryLater& later, Transaction& changes, Time now);
  void empty_out(Queue& queue, Transaction& changes);
  void forget_those_that_left();
  void restore(Loaded& loaded, Transaction& changes, Time now);
  WaitingMessage seen(const Queue& queue, ReceiverQueue::Number number, bool first, Time now) const;
  std::vector<ReceiverQueue::Number> what_goes_along(const Queue& queue, const Chosen& which) const;
  void wait_no_more(Queue& queue, const Chosen& which, Time now);
  std::string take_back(const DeadLetter& letter, const SendAgain& how, Transaction& changes, Time now);
  std::string bring_up_to_date(Queue& queue, Notification& message, bool to_its_own,
                               const std::optional<FiresNow>& fires, Transaction& changes, Time now);
  bool waits_somewhere(const Notification& message) const;
  void forget_what_has_no_letters(Transaction& changes);
};

}  // namespace sidewatch
