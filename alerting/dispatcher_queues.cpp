// What becomes of a message in its queue: merged, told, refused, handed on; see dispatcher_state.h.
#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "alerting/dispatcher_state.h"

namespace sidewatch {
namespace {

constexpr std::string_view fallback_suffix = "-fallback";

}  // namespace

// Who is told of an incident anyway needs no copy of what another receiver refuses: whoever is given the same message by a
// route, or as a follow-up to what it has heard of or will hear.
void Dispatcher::State::note_fallbacks(std::vector<Notification>& notifications) {
  std::unordered_map<std::string, bool> given;  // whether as a follow-up
  for (const auto& each : notifications) given[each.receiver + "\n" + each.incident] = each.routing.follow_up;
  for (auto& each : notifications) {
    const Queue* const queue = find(each.receiver);
    const Queue* const other = queue == nullptr ? nullptr : find(queue->target.fallback);
    if (other == nullptr) continue;
    const auto its = given.find(other->target.name + "\n" + each.incident);
    if (its == given.end()) continue;
    const bool hears_of_it = other->knows(each.incident) || !other->line.waiting(each.incident).empty();
    const bool is_told_the_end = hears_of_it || other->may_have_heard(each.incident);
    each.fallback_has_it = each.problem() ? !its->second || hears_of_it : is_told_the_end;
  }
}

// Of an incident that it has heard of, and whose end does not wait here, nobody has told the end: it goes on. An incident
// begins with the key of its alert.
bool Dispatcher::Queue::has_newer_than(const Notification& notification) const {
  const auto& alert = notification.alert_key;
  std::set<std::string_view> ending;
  for (const auto& [number, entry] : line.entries()) {
    const Notification& other = entry.notification;
    if (other.alert_key != alert) continue;
    if (other.created_at > notification.created_at) return true;
    if (!other.problem()) ending.insert(other.incident);
  }
  const auto is_of_another_incident = [&](const std::string& entry) {
    return entry != notification.incident && entry.find('\n') == std::string::npos && !ending.contains(entry) &&
           entry.find_first_of("-/", alert.size()) == alert.size();
  };
  for (auto it = told.lower_bound(alert); it != told.end() && it->starts_with(alert); ++it) {
    if (is_of_another_incident(*it)) return true;
  }
  return false;
}

// The receiver has heard of the incident; the marks are those of the last message about it that a route sent there.
void Dispatcher::State::remember(Queue& queue, const Notification& told, Transaction& changes) {
  if (queue.told.insert(told.incident).second) changes.told.push_back({queue.target.name, told.incident, true});
  if (told.routing.follow_up) return;
  std::set<std::string> marks;
  if (!told.routing.tells_end) marks.insert(told.incident + std::string(no_end_wanted));
  for (const auto& name : told.routing.mute) marks.insert(told.incident + std::string(muted_during) + name);
  for (const std::string& old : queue.marks_of(told.incident)) {
    if (marks.erase(old) > 0 || old.ends_with(has_dead_letter)) continue;
    queue.told.erase(old);
    changes.told.push_back({queue.target.name, old, false});
  }
  for (const std::string& mark : marks) {
    queue.told.insert(mark);
    changes.told.push_back({queue.target.name, mark, true});
  }
}

void Dispatcher::State::mark(Queue& queue, const std::string& incident, std::string_view mark, Transaction& changes) {
  const std::string entry = incident + std::string(mark);
  if (queue.told.insert(entry).second) changes.told.push_back({queue.target.name, entry, true});
}

// Nobody sends this message any more. If it may have arrived, its end is owed.
void Dispatcher::State::give_up(Queue& queue, ReceiverQueue::Number number, Outcome outcome, Transaction& changes) {
  const ReceiverQueue::Entry& entry = queue.line.entry(number);
  const Notification& message = entry.notification;
  if (!message.problem() || queue.leaving) return;
  if (outcome != Outcome::discarded) mark(queue, message.incident, has_dead_letter, changes);
  if (queue.told.contains(message.incident)) return;
  if (entry.attempts > 0 && message.routing.tells_end) mark(queue, message.incident, may_know, changes);
}

// The end for somebody who may not have heard of the beginning.
void Dispatcher::State::tell_both(Queue& queue, ReceiverQueue::Number number, Transaction& changes) {
  Notification& message = queue.line.entry(number).notification;
  if (!is_only_an_end(message) || !queue.may_have_heard(message.incident) || !queue.wants_end(message.incident)) return;
  message.reason = Reason::fired_and_resolved;
  message.routing.follow_up = false;
  rewrite(message, changes);
}

void Dispatcher::State::forget(Queue& queue, const std::string& incident, Transaction& changes) {
  std::vector<std::string> entries = queue.marks_of(incident);
  entries.push_back(incident);
  for (const std::string& entry : entries) {
    if (queue.told.erase(entry) > 0) changes.told.push_back({queue.target.name, entry, false});
  }
}

void Dispatcher::State::delivered(Queue& queue, Transaction& changes, Time now) {
  const auto numbers = queue.line.in_flight();
  queue.status.delivered += static_cast<std::int64_t>(numbers.size());
  if (numbers.size() > 1) queue.status.grouped += static_cast<std::int64_t>(numbers.size());
  ++queue.status.deliveries;
  if (queue.under_way.starts_with(digest_id_prefix)) ++queue.status.digests;
  queue.status.last_failure.clear();
  queue.failures = 0;
  for (const auto number : numbers) {
    const Notification& notification = queue.line.entry(number).notification;
    const std::string incident = notification.incident;
    if (notification.problem() && !queue.leaving) remember(queue, notification, changes);
    leave(queue, number, Outcome::delivered, "", changes);
    settle(queue, incident, changes, now);  // what waits may have lost its point: a copy of the same end, an unwanted one
  }
}

void Dispatcher::State::refused(Queue& queue, const std::string& why, Transaction& changes, Time now) {
  queue.status.last_failure = why;
  queue.failures = 0;  // it answers
  const auto numbers = queue.line.in_flight();
  for (const auto number : numbers) rejected(queue, number, why, changes, now);
}

// The attempt that was begun is none: it is on disk as one of which nobody knows.
void Dispatcher::State::did_not_arrive(const Queue& queue, ReceiverQueue::Number number, Transaction& changes) {
  const ReceiverQueue::Entry& entry = queue.line.entries().at(number);
  changes.attempted.push_back({entry.notification.id, entry.attempts});
}

void Dispatcher::State::rejected(Queue& queue, ReceiverQueue::Number number, const std::string& why,
                                 Transaction& changes, Time now) {
  Notification refused = queue.line.entry(number).notification;
  ++queue.status.rejected;
  did_not_arrive(queue, number, changes);
  leave(queue, number, Outcome::rejected, why, changes);
  const std::string incident = refused.incident;
  const bool tells_of_it = refused.problem();
  if (tells_of_it) refused.routing.follow_up = false;
  const bool begun_elsewhere = hand_to_fallback(queue, std::move(refused), changes, now) && tells_of_it;
  settle(queue, incident, changes, now);
  if (begun_elsewhere) hand_on_the_rest(queue, incident, changes, now);
}

// What came meanwhile of an incident of which the fallback has only just been told: its own was dropped then, for it knew
// of nothing.
void Dispatcher::State::hand_on_the_rest(Queue& queue, const std::string& incident, Transaction& changes, Time now) {
  const auto waiting = queue.line.waiting(incident);
  if (waiting.empty()) return;
  Notification& rest = queue.line.entry(waiting.back()).notification;
  Notification copy = rest;
  copy.routing.follow_up = false;
  if (!hand_to_fallback(queue, std::move(copy), changes, now)) return;
  rest.fallback_has_it = true;
  rewrite(rest, changes);
}

// One message in it may be at fault, or their number: each half is tried by itself, and at once.
void Dispatcher::State::take_apart(Queue& queue, const std::string& why, Transaction& changes, Time now) {
  ++queue.status.failed_attempts;
  queue.status.last_failure = why;
  queue.failures = 0;  // it answers
  const std::vector<ReceiverQueue::Number> numbers(queue.line.in_flight().begin(), queue.line.in_flight().end());
  const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>((numbers.size() + 1) / 2);
  const auto prefix = queue.under_way.starts_with(digest_id_prefix) ? digest_id_prefix : group_id_prefix;
  std::vector<std::string> incidents;
  for (const auto& half : {std::vector(numbers.begin(), middle), std::vector(middle, numbers.end())}) {
    const std::string id = batch_id(queue, half, prefix);
    for (const auto number : half) {
      incidents.push_back(queue.line.entry(number).notification.incident);
      pin(queue, number, id, changes);
      queue.line.put_back(number, now);
      did_not_arrive(queue, number, changes);
    }
  }
  for (const auto& incident : incidents) settle(queue, incident, changes, now);
}

// Whether what is under way tells the end of what this receiver, and most likely no other, was told of.
bool Dispatcher::State::owes_an_end(const Queue& queue) const {
  const auto& numbers = queue.line.in_flight();
  return std::any_of(numbers.begin(), numbers.end(), [&](const auto number) {
    const Notification& notification = queue.line.entries().at(number).notification;
    return is_only_an_end(notification) && queue.told.contains(notification.incident);
  });
}

// The messages wait for themselves; and the receiver as a whole, or a dead one with a long queue would be tried all the
// time. One that fails for a single message only is forgiven by the next delivery.
void Dispatcher::State::retry(Queue& queue, const RetryLater& later, Transaction& changes, Time now) {
  const auto numbers = queue.line.in_flight();
  std::vector<std::string> incidents;
  std::int64_t attempts = 0;
  for (const auto number : numbers) {
    const auto& entry = queue.line.entry(number);
    attempts = std::max(attempts, entry.attempts + 1);
    incidents.push_back(entry.notification.incident);
  }
  ++queue.failures;
  const auto asked_of_all = later.whole_receiver ? later.after : std::nullopt;
  queue.paused_until = now + retry_delay(policy, queue.failures, asked_of_all, random);
  if (asked_of_all) queue.left_alone_until = queue.paused_until;
  const Time alone = now + retry_delay(policy, attempts, later.after, random);
  const Time not_before = later.whole_receiver ? queue.paused_until : alone;

  for (const auto number : numbers) {
    queue.line.put_back(number, not_before);
    queue.line.postpone(number, attempts, not_before);
  }
  for (const auto& incident : incidents) {
    settle(queue, incident, changes, now);
    const auto waiting = queue.line.waiting(incident);  // it, or what it became a part of
    if (waiting.empty()) continue;
    queue.line.postpone(waiting.back(), attempts, not_before);
    changes.attempted.push_back({queue.line.entry(waiting.back()).notification.id, attempts});
  }
}

// Takes a message out of the queue and says so to the disk; what was never there need not be written at all.
void Dispatcher::State::leave(Queue& queue, ReceiverQueue::Number number, Outcome outcome, std::string why,
                              Transaction& changes) {
  const Notification& notification = queue.line.entry(number).notification;
  if (outcome == Outcome::dropped) ++queue.status.dropped;
  if (outcome == Outcome::merged) ++queue.status.merged;
  const std::string batch = notification.routing.batch;
  const bool alone = outcome != Outcome::delivered && outcome != Outcome::rejected;
  if (outcome == Outcome::rejected || outcome == Outcome::dropped || outcome == Outcome::discarded) {
    give_up(queue, number, outcome, changes);
  }
  const bool the_end_of_it = !notification.problem() && outcome != Outcome::merged;
  if (the_end_of_it) {
    const bool heard = outcome == Outcome::delivered || queue.told.contains(notification.incident);
    const bool letters = notification.routing.as_written || queue.has_mark(notification.incident, has_dead_letter) ||
                         queue.has_mark(notification.incident, knew_of_it);
    forget(queue, notification.incident, changes);
    if (heard && letters && !queue.leaving) mark(queue, notification.incident, knew_of_it, changes);
  }
  const bool leaves_a_trace = outcome != Outcome::merged && outcome != Outcome::pointless;
  const auto fresh = std::find_if(changes.add.begin(), changes.add.end(),
                                  [&](const Notification& added) { return added.id == notification.id; });
  if (fresh != changes.add.end() && !leaves_a_trace) {
    changes.add.erase(fresh);
  } else {
    changes.finished.push_back({notification.id, outcome, std::move(why)});
  }
  queue.line.remove(number);
  if (alone && !batch.empty()) dissolve(queue, batch, changes);
}

void Dispatcher::State::offer(Queue& queue, Notification notification, Transaction& changes, Time now,
                              std::int64_t attempts) {
  const std::string incident = notification.incident;
  changes.add.push_back(notification);
  const Time not_before = earliest(queue, notification, now);
  queue.line.push(std::move(notification), attempts, not_before);
  settle(queue, incident, changes, now);
  hold_to_bound(queue, changes);
}

// To the disk as it is now: in its place among what this transaction adds, or among what it changes.
void Dispatcher::State::rewrite(const Notification& notification, Transaction& changes) {
  const auto fresh = std::find_if(changes.add.begin(), changes.add.end(),
                                  [&](const Notification& added) { return added.id == notification.id; });
  if (fresh != changes.add.end()) {
    *fresh = notification;
  } else {
    changes.changed.push_back(notification);
  }
}

// All into the last of them, which has been attempted as often as any.
void Dispatcher::State::merge(Queue& queue, const std::vector<ReceiverQueue::Number>& waiting, bool known,
                              Transaction& changes) {
  const auto last = waiting.back();
  Notification whole = queue.line.entry(waiting.front()).notification;
  std::int64_t attempts = queue.line.entry(waiting.front()).attempts;
  for (std::size_t i = 1; i < waiting.size(); ++i) {
    whole = combined(whole, queue.line.entry(waiting[i]).notification, known);
    attempts = std::max(attempts, queue.line.entry(waiting[i]).attempts);
  }
  for (std::size_t i = 0; i + 1 < waiting.size(); ++i) leave(queue, waiting[i], Outcome::merged, "", changes);
  rewrite(whole, changes);
  if (attempts > queue.line.entry(last).attempts) {
    changes.attempted.push_back({whole.id, attempts});
    queue.line.postpone(last, attempts, queue.line.entry(last).not_before);
  }
  queue.line.replace(last, std::move(whole));
}

// Makes one message of what waits of an incident, and none of an end without a beginning.
void Dispatcher::State::settle(Queue& queue, const std::string& incident, Transaction& changes, Time now) {
  const auto waiting = queue.line.waiting(incident);
  if (waiting.empty()) return;
  const bool known = queue.knows(incident);
  const auto last = waiting.back();
  if (waiting.size() > 1) merge(queue, waiting, known, changes);
  inherit_mutes(queue, last, changes);
  if (!known) tell_both(queue, last, changes);
  const Notification left = queue.line.entry(last).notification;
  if (hold(queue, last, changes, now) && left.reason == Reason::fired_and_resolved) {
    return silence(queue, last, changes);
  }
  const bool unwanted = is_only_an_end(left) && !queue.wants_end(incident);
  if (known ? !unwanted : !is_only_an_end(left) && !left.routing.follow_up) return;
  // While the beginning is under way, its answer decides whether there is anything to forget.
  if (unwanted && queue.line.speaks_of(incident)) return;
  leave(queue, last, Outcome::pointless, "", changes);
  if (!known) hand_to_fallback(queue, left, changes, now);  // which may have been told of the beginning
}

void Dispatcher::State::hold_to_bound(Queue& queue, Transaction& changes) {
  while (queue.line.size() > queue.target.max_queued) {
    const auto victim = queue.line.least_worth();
    if (!victim) return;
    leave(queue, *victim, Outcome::dropped,
          "the queue was full (" + std::to_string(queue.target.max_queued) + " messages)", changes);
  }
}

// The copy is a message of its own, with an id of its own. Fallbacks form no circles: the configuration sees to it.
bool Dispatcher::State::hand_to_fallback(const Queue& queue, Notification notification, Transaction& changes, Time now) {
  Queue* const other = queue.target.fallback.empty() ? nullptr : find(queue.target.fallback);
  if (other == nullptr || other->leaving) return false;
  if (notification.fallback_has_it || other->has_newer_than(notification)) return false;
  notification.id += fallback_suffix;
  notification.receiver = other->target.name;
  notification.fallback_has_it = false;
  notification.routing.batch.clear();
  notification.routing.group_wait = Duration(0);  // it has waited
  offer(*other, std::move(notification), changes, now);
  return true;
}

}  // namespace sidewatch
