// What people see of what waits, and do to it by hand; see dispatcher_hand.h. Dead letters: dispatcher_dead_letters.cpp.
#include "alerting/dispatcher_hand.h"

#include <algorithm>
#include <set>
#include <unordered_set>
#include <utility>

#include "alerting/dispatcher_state.h"

namespace sidewatch {

std::string_view to_string(Waits waits) {
  switch (waits) {
    case Waits::under_way: return "under_way";
    case Waits::next: return "next";
    case Waits::held: return "held";
    case Waits::behind: return "behind";
    case Waits::group: return "group";
    case Waits::retry: return "retry";
    case Waits::receiver_paused: return "receiver_paused";
    case Waits::rate_limit: return "rate_limit";
  }
  return "next";
}

// Of several reasons the one that lasts; `first`: nothing of its alert stands before it.
WaitingMessage Dispatcher::State::seen(const Queue& queue, ReceiverQueue::Number number, bool first, Time now) const {
  const ReceiverQueue::Entry& entry = queue.line.entries().at(number);
  WaitingMessage message{entry.notification, entry.attempts, Waits::next, std::nullopt};
  const auto says = [&](Waits waits, std::optional<Time> until = std::nullopt) {
    message.waits = waits;
    message.until = until;
    return message;
  };
  if (queue.line.in_flight().contains(number)) return says(Waits::under_way);
  if (entry.held_until && *entry.held_until > now) return says(Waits::held, entry.held_until);
  if (!first) return says(Waits::behind);
  const bool paused = queue.paused_until > now;
  if (paused && queue.paused_until >= entry.not_before) return says(Waits::receiver_paused, queue.paused_until);
  if (entry.not_before > now) return says(entry.attempts > 0 ? Waits::retry : Waits::group, entry.not_before);
  if (!queue.bucket.has_room(now)) return says(Waits::rate_limit, queue.bucket.room_at());
  return message;
}

std::vector<WaitingMessage> Dispatcher::waiting(const Chosen& which, std::size_t most, Time now) const {
  std::vector<WaitingMessage> messages;
  for (const auto& queue : state_->queues) {
    if (!which.receiver.empty() && which.receiver != queue->target.name) continue;
    std::unordered_set<std::string> alerts;  // of which one stands before
    std::size_t room = most;
    for (const auto& [number, entry] : queue->line.entries()) {
      if (room == 0) break;
      const bool first = alerts.insert(entry.notification.alert_key).second;
      if (!which.holds(entry.notification)) continue;
      messages.push_back(state_->seen(*queue, number, first, now));
      --room;
    }
  }
  return messages;
}

// What a delivery of several is made of, and what must go before a message, goes with it; and so on for each of these.
std::vector<ReceiverQueue::Number> Dispatcher::State::what_goes_along(const Queue& queue, const Chosen& which) const {
  std::set<std::string> batches;
  std::unordered_set<std::string> alerts;
  std::set<ReceiverQueue::Number> found;
  for (bool any_more = true; std::exchange(any_more, false);) {
    for (const auto& [number, entry] : queue.line.entries()) {
      const Notification& message = entry.notification;
      const std::string& batch = message.routing.batch;
      if (!which.holds(message) && !alerts.contains(message.alert_key) && !batches.contains(batch)) continue;
      if (!found.insert(number).second) continue;
      alerts.insert(message.alert_key);
      if (!batch.empty()) batches.insert(batch);
      any_more = true;
    }
  }
  std::vector<ReceiverQueue::Number> numbers(found.begin(), found.end());
  std::erase_if(numbers, [&](const auto number) { return queue.line.in_flight().contains(number); });
  return numbers;
}

TriedNow Dispatcher::try_now(const Chosen& which, Time now) {
  TriedNow done;
  for (const auto& queue : state_->queues) {
    if (queue->leaving) continue;
    bool any = false;
    for (const auto& [number, entry] : queue->line.entries()) {
      if (!which.holds(entry.notification)) continue;
      any = true;
      const bool held = entry.held_until && *entry.held_until > now;
      ++(queue->line.in_flight().contains(number) ? done.under_way : held ? done.held : done.due);
    }
    if (any) state_->wait_no_more(*queue, which, now);
  }
  return done;
}

// The receiver's pause is over, and whatever the messages waited for but what holds them back.
void Dispatcher::State::wait_no_more(Queue& queue, const Chosen& which, Time now) {
  queue.failures = 0;
  queue.paused_until = std::min(queue.paused_until, now);
  for (const auto number : what_goes_along(queue, which)) {
    const auto& entry = queue.line.entry(number);
    if (entry.not_before > now) queue.line.postpone(number, entry.attempts, now);
  }
}

Discarded Dispatcher::discard(const Chosen& which, std::size_t most, WallTime wall) {
  Discarded done;
  Transaction changes;
  changes.at = wall;
  for (const auto& queue : state_->queues) {
    std::vector<ReceiverQueue::Number> numbers;
    for (const auto& [number, entry] : queue->line.entries()) {
      if (!which.holds(entry.notification)) continue;
      if (queue->line.in_flight().contains(number)) {
        ++done.under_way;
      } else if (done.messages + numbers.size() == most) {
        ++done.left;
      } else {
        numbers.push_back(number);
      }
    }
    for (const auto number : numbers) state_->leave(*queue, number, Outcome::discarded, "", changes);
    queue->status.discarded += static_cast<std::int64_t>(numbers.size());
    done.messages += numbers.size();
  }
  if (!changes.empty()) done.stored = state_->outbox.commit(changes);
  return done;
}

}  // namespace sidewatch
