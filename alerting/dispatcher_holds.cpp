// What is held back: by silences and mute intervals, which the dispatcher knows only as a question; see dispatcher_state.h.
#include <utility>

#include "alerting/dispatcher_state.h"

namespace sidewatch {

void Dispatcher::set_hold_back(HoldBack hold_back) { state_->hold_back = std::move(hold_back); }

// Whether it says that something is over which the receiver has heard of; or may have: an answer that was lost does not
// say that the message was, too.
bool Dispatcher::State::ends_what_is_known(const Queue& queue, const ReceiverQueue::Entry& entry) const {
  const Notification& notification = entry.notification;
  if (notification.reason == Reason::fired_and_resolved) return entry.attempts > 0;
  return is_only_an_end(notification) && queue.knows(notification.incident);
}

// Whether it is held back now. Whoever was told that something is wrong is told that it is over, whatever is silent.
bool Dispatcher::State::hold(Queue& queue, ReceiverQueue::Number number, Transaction& changes, Time now) {
  const auto& entry = queue.line.entry(number);
  const Notification& notification = entry.notification;
  const bool may_be_held = hold_back && !ends_what_is_known(queue, entry);
  const auto until = may_be_held ? hold_back(notification, now) : std::nullopt;
  if (until == entry.held_until) return until.has_value();
  queue.line.hold(number, until);
  const std::string batch = notification.routing.batch;
  if (until && !batch.empty()) dissolve(queue, batch, changes);  // what it was tried with goes on without it
  return until.has_value();
}

void Dispatcher::State::review_holds(Queue& queue, Transaction& changes, Time now) {
  if (!hold_back) return;
  std::vector<ReceiverQueue::Number> numbers;
  for (const auto& [number, entry] : queue.line.entries()) {
    if (!queue.line.in_flight().contains(number)) numbers.push_back(number);
  }
  for (const auto number : numbers) {
    if (!hold(queue, number, changes, now)) continue;
    if (queue.line.entry(number).notification.reason != Reason::fired_and_resolved) continue;
    ++queue.status.silenced;
    leave(queue, number, Outcome::pointless, "", changes);
  }
}

}  // namespace sidewatch
