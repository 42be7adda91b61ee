// What is held back: by silences and mute intervals, which the dispatcher knows only as a question; see dispatcher_state.h.
#include <algorithm>
#include <utility>

#include "alerting/dispatcher_state.h"

namespace sidewatch {

void Dispatcher::set_hold_back(HoldBack hold_back) { state_->hold_back = std::move(hold_back); }
void Dispatcher::look_again() {
  for (const auto& queue : state_->queues) queue->to_review = queue->line.size();
}

void Dispatcher::set_renew(Renew renew) { state_->renew = std::move(renew); }

void renew_times(Notification& notification, WallTime now) {
  notification.duration += std::max(now - notification.created_at, Duration(0));
  notification.created_at = now;
  notification.recent.clear();
}

std::vector<std::string> Dispatcher::Queue::marks_of(const std::string& incident) const {
  std::vector<std::string> marks;
  const std::string before_all = incident + "\n";
  for (auto it = told.lower_bound(before_all); it != told.end() && it->starts_with(before_all); ++it) marks.push_back(*it);
  return marks;
}

std::vector<std::string> Dispatcher::Queue::mutes_of(const std::string& incident) const {
  std::vector<std::string> names;
  const std::string before_name = incident + std::string(muted_during);
  for (const std::string& mark : marks_of(incident)) {
    if (mark.starts_with(before_name)) names.push_back(mark.substr(before_name.size()));
  }
  return names;
}

// No route chose the receiver of a follow-up: it is muted when the message was that told it of the incident.
void Dispatcher::State::inherit_mutes(Queue& queue, ReceiverQueue::Number number, Transaction& changes) {
  Notification& notification = queue.line.entry(number).notification;
  if (!notification.routing.follow_up || !notification.problem()) return;
  auto names = queue.mutes_of(notification.incident);
  if (names == notification.routing.mute) return;
  notification.routing.mute = std::move(names);
  rewrite(notification, changes);
}

// Whether it says that something is over which the receiver has heard of; or may have: an answer that was lost does not
// say that the message was, too.
bool Dispatcher::State::ends_what_is_known(const Queue& queue, const ReceiverQueue::Entry& entry) const {
  const Notification& notification = entry.notification;
  if (notification.reason == Reason::fired_and_resolved) {
    return entry.attempts > 0 || queue.may_have_heard(notification.incident);
  }
  return is_only_an_end(notification) && queue.knows(notification.incident);
}

// What it says was true when it came. This is on disk, for the hold may end while no agent runs.
void Dispatcher::State::note_hold(Queue& queue, ReceiverQueue::Number number, Transaction& changes) {
  const auto& entry = queue.line.entry(number);
  const Routing& routing = entry.notification.routing;
  if (routing.held || routing.as_written || entry.attempts > 0 || !entry.notification.problem()) return;
  queue.line.entry(number).notification.routing.held = true;
  rewrite(entry.notification, changes);
}

// It goes. What was attempted goes on saying what it said: it may have arrived.
void Dispatcher::State::release(Queue& queue, ReceiverQueue::Number number, Transaction& changes, Time now) {
  auto& entry = queue.line.entry(number);
  if (!entry.notification.routing.held) return;
  entry.notification.routing.held = false;
  if (entry.attempts == 0 && entry.notification.problem()) renew(entry.notification, now);
  rewrite(entry.notification, changes);
}

// Whether it is held back now. Whoever was told that something is wrong is told that it is over, whatever is silent.
bool Dispatcher::State::hold(Queue& queue, ReceiverQueue::Number number, Transaction& changes, Time now) {
  const auto& entry = queue.line.entry(number);
  const Notification& notification = entry.notification;
  const bool may_be_held = hold_back && !ends_what_is_known(queue, entry);
  const auto until = may_be_held ? hold_back(notification, now) : std::nullopt;
  if (until) note_hold(queue, number, changes);
  if (until == entry.held_until) return until.has_value();
  queue.line.hold(number, until);
  const std::string batch = notification.routing.batch;
  if (until && !batch.empty()) dissolve(queue, batch, changes);  // what it was tried with goes on without it
  return until.has_value();
}

// It began and ended while it was held back.
void Dispatcher::State::silence(Queue& queue, ReceiverQueue::Number number, Transaction& changes) {
  ++queue.status.silenced;
  silenced.push_back(queue.line.entry(number).notification);
  leave(queue, number, Outcome::pointless, "", changes);
}

// Whether any receiver has heard of it, or is just being told.
bool Dispatcher::State::told_of(const std::string& incident) const {
  return std::any_of(queues.begin(), queues.end(), [&](const auto& queue) { return queue->knows(incident); });
}

// Whether any receiver is still to hear of it.
bool Dispatcher::State::awaits(const std::string& incident) const {
  return std::any_of(queues.begin(), queues.end(),
                     [&](const auto& queue) { return !queue->line.waiting(incident).empty(); });
}

std::vector<Notification> Dispatcher::take_unheard() { return std::exchange(state_->unheard, {}); }

// Whether one of them is held that was not, or the other way round.
bool Dispatcher::State::review(Queue& queue, const std::vector<ReceiverQueue::Number>& numbers, Transaction& changes,
                               Time now) {
  bool any_change = false;
  for (const auto number : numbers) {
    if (queue.line.in_flight().contains(number)) continue;
    const bool was_held = queue.line.entry(number).held_until.has_value();
    const bool held = hold(queue, number, changes, now);
    any_change = any_change || held != was_held;
    if (held && queue.line.entry(number).notification.reason == Reason::fired_and_resolved) silence(queue, number, changes);
  }
  return any_change;
}

// So that what is taken back, or comes, shows, and what is held for longer does not seem due. What goes is asked for anyway.
// Where something has changed, the rest of a long queue is looked at, too, piece by piece and without a pause.
void Dispatcher::State::review_some(Queue& queue, Transaction& changes, Time now) {
  const auto& entries = queue.line.entries();
  const std::size_t all = hold_back ? entries.size() : 0;
  const std::size_t some = std::min({all, queue.to_review, most_reviewed});
  std::vector<ReceiverQueue::Number> numbers;
  auto next = entries.upper_bound(queue.reviewed_to);
  while (numbers.size() < some) {
    if (next == entries.end()) next = entries.begin();
    numbers.push_back((next++)->first);
  }
  if (!numbers.empty()) queue.reviewed_to = numbers.back();
  const bool any_change = review(queue, numbers, changes, now);
  queue.to_review = std::max(std::min(all, queue.to_review), any_change ? all : 0) - some;
}

void Dispatcher::State::review_all(Queue& queue, Transaction& changes, Time now) {
  std::vector<ReceiverQueue::Number> numbers;
  for (const auto& [number, entry] : queue.line.entries()) numbers.push_back(number);
  review(queue, numbers, changes, now);
}

}  // namespace sidewatch
