#include "alerting/dispatcher.h"

#include <algorithm>
#include <map>
#include <unordered_set>
#include <utility>

#include "alerting/receiver_queue.h"

namespace sidewatch {
namespace {

constexpr std::string_view fallback_suffix = "-fallback";
constexpr Duration degraded_retry = std::chrono::seconds(10);  // how often what is in memory only is tried on the disk

}  // namespace

struct Dispatcher::Queue {
  DispatchTarget target;
  ReceiverQueue line;
  std::unordered_set<std::string> told;  // incidents
  std::int64_t failures = 0;             // in a row
  Time paused_until;
  bool leaving = false;  // gone from the configuration, with one message still under way
  ReceiverStatus status;
};

struct Dispatcher::State {
  Outbox& outbox;
  RandomUnit random;
  RetryPolicy policy;
  std::vector<std::unique_ptr<Queue>> queues;  // in the order of the configuration, the leaving ones behind
  std::optional<Time> next_save;               // while the outbox is degraded
  std::map<std::string, ReceiverStatus> gone;  // what became of the messages for receivers that are no more

  Queue* find(const std::string& receiver);
  void save_what_waits(Time now);
  void note_fallbacks(std::vector<Notification>& notifications);
  void offer(Queue& queue, Notification notification, Transaction& changes, Time now);
  void settle(Queue& queue, const std::string& incident, Transaction& changes, Time now);
  void hold_to_bound(Queue& queue, Transaction& changes);
  void leave(Queue& queue, ReceiverQueue::Number number, Outcome outcome, std::string why, Transaction& changes);
  void hand_to_fallback(const Queue& queue, Notification notification, Transaction& changes, Time now);
  void delivered(Queue& queue, ReceiverQueue::Number number, Transaction& changes);
  void rejected(Queue& queue, ReceiverQueue::Number number, const std::string& why, Transaction& changes, Time now);
  void retry(Queue& queue, ReceiverQueue::Number number, const RetryLater& later, Transaction& changes, Time now);
  void empty_out(Queue& queue, Transaction& changes);
  void forget_those_that_left();
  void restore(Loaded& loaded, Transaction& changes, Time now);
};

Dispatcher::Queue* Dispatcher::State::find(const std::string& receiver) {
  for (auto& queue : queues) {
    if (queue->target.name == receiver) return queue.get();
  }
  return nullptr;
}

// Who is told of an incident anyway needs no copy of what another receiver refuses.
void Dispatcher::State::note_fallbacks(std::vector<Notification>& notifications) {
  std::unordered_set<std::string> told;
  for (const auto& each : notifications) told.insert(each.receiver + "\n" + each.incident);
  for (auto& each : notifications) {
    const Queue* const queue = find(each.receiver);
    if (queue == nullptr || queue->target.fallback.empty()) continue;
    each.fallback_has_it = told.contains(queue->target.fallback + "\n" + each.incident);
  }
}

Result<void> Dispatcher::enqueue(std::vector<Notification> notifications, Transaction with, Time now) {
  if (with.at == WallTime() && !notifications.empty()) with.at = notifications.front().created_at;
  state_->note_fallbacks(notifications);
  for (auto& notification : notifications) {
    Queue* queue = state_->find(notification.receiver);
    if (queue != nullptr && !queue->leaving) {
      state_->offer(*queue, std::move(notification), with, now);
    } else {
      with.finished.push_back({notification.id, Outcome::dropped,
                               "there is no receiver '" + notification.receiver + "' any more"});
      ++(queue != nullptr ? queue->status : state_->gone[notification.receiver]).dropped;
      with.add.push_back(std::move(notification));
    }
  }
  return state_->outbox.commit(with);
}

// While the outbox is degraded, asks it now and then to write what waits; whether that went well, its statistics say.
void Dispatcher::State::save_what_waits(Time now) {
  if (!outbox.statistics().degraded) {
    next_save.reset();
  } else if (!next_save || *next_save <= now) {
    if (next_save) static_cast<void>(outbox.commit({}));
    next_save = now + degraded_retry;
  }
}

std::vector<Notification> Dispatcher::due(Time now) {
  state_->save_what_waits(now);
  std::vector<Notification> handed_out;
  for (auto& queue : state_->queues) {
    if (queue->paused_until > now) continue;
    if (const auto* entry = queue->line.take(now)) handed_out.push_back(entry->notification);
  }
  return handed_out;
}

Result<void> Dispatcher::finished(const std::string& receiver, const std::string& id, const Attempt& attempt, Time now,
                                  WallTime wall) {
  Queue* const queue = state_->find(receiver);
  const auto number = queue != nullptr ? queue->line.in_flight() : std::nullopt;
  if (!number || queue->line.entry(*number).notification.id != id) return {};

  Transaction changes;
  changes.at = wall;
  if (std::holds_alternative<Delivered>(attempt)) {
    state_->delivered(*queue, *number, changes);
  } else if (const auto* rejection = std::get_if<Rejected>(&attempt)) {
    state_->rejected(*queue, *number, rejection->why, changes, now);
  } else {
    const auto& later = std::get<RetryLater>(attempt);
    ++queue->status.failed_attempts;
    queue->status.last_failure = later.why;
    if (queue->leaving) {
      const std::string why = "its receiver was removed; the last attempt: " + later.why;
      state_->leave(*queue, *number, Outcome::dropped, why, changes);
    } else if (later.refused && !queue->target.fallback.empty()) {
      state_->rejected(*queue, *number, later.why, changes, now);
    } else {
      state_->retry(*queue, *number, later, changes, now);
    }
  }
  state_->forget_those_that_left();
  return state_->outbox.commit(changes);
}

void Dispatcher::hand_back(const std::string& receiver, const std::string& id) {
  Queue* const queue = state_->find(receiver);
  const auto number = queue != nullptr ? queue->line.in_flight() : std::nullopt;
  if (!number) return;
  const auto& entry = queue->line.entry(*number);
  if (entry.notification.id == id) queue->line.put_back(*number, entry.not_before);
}

void Dispatcher::State::delivered(Queue& queue, ReceiverQueue::Number number, Transaction& changes) {
  const Notification& notification = queue.line.entry(number).notification;
  if (notification.problem()) {
    if (queue.told.insert(notification.incident).second) {
      changes.told.push_back({queue.target.name, notification.incident, true});
    }
  }
  ++queue.status.delivered;
  queue.status.last_failure.clear();
  queue.failures = 0;
  leave(queue, number, Outcome::delivered, "", changes);
}

void Dispatcher::State::rejected(Queue& queue, ReceiverQueue::Number number, const std::string& why,
                                 Transaction& changes, Time now) {
  Notification refused = queue.line.entry(number).notification;
  ++queue.status.rejected;
  queue.status.last_failure = why;
  queue.failures = 0;  // it answers
  leave(queue, number, Outcome::rejected, why, changes);
  hand_to_fallback(queue, refused, changes, now);
  settle(queue, refused.incident, changes, now);
}

// The message waits for itself; and the receiver as a whole, or a dead one with a long queue would be tried all the
// time. One that fails for a single message only is forgiven by the next delivery.
void Dispatcher::State::retry(Queue& queue, ReceiverQueue::Number number, const RetryLater& later,
                              Transaction& changes, Time now) {
  const auto& entry = queue.line.entry(number);
  const std::string incident = entry.notification.incident;
  const std::int64_t attempts = entry.attempts + 1;
  ++queue.failures;
  const auto asked_of_all = later.whole_receiver ? later.after : std::nullopt;
  queue.paused_until = now + retry_delay(policy, queue.failures, asked_of_all, random);
  const Time alone = now + retry_delay(policy, attempts, later.after, random);
  const Time not_before = later.whole_receiver ? queue.paused_until : alone;

  queue.line.put_back(number, not_before);
  settle(queue, incident, changes, now);
  const auto waiting = queue.line.waiting(incident);  // it, or what it became a part of
  if (waiting.empty()) return;
  queue.line.postpone(waiting.back(), attempts, not_before);
  changes.attempted.push_back({queue.line.entry(waiting.back()).notification.id, attempts});
}

// Takes a message out of the queue and says so to the disk; what was never there need not be written at all.
void Dispatcher::State::leave(Queue& queue, ReceiverQueue::Number number, Outcome outcome, std::string why,
                              Transaction& changes) {
  const Notification& notification = queue.line.entry(number).notification;
  if (outcome == Outcome::dropped) ++queue.status.dropped;
  if (outcome == Outcome::merged) ++queue.status.merged;
  const bool the_end_of_it = !notification.problem() && outcome != Outcome::merged;
  if (the_end_of_it && queue.told.erase(notification.incident) > 0) {
    changes.told.push_back({queue.target.name, notification.incident, false});
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
}

void Dispatcher::State::offer(Queue& queue, Notification notification, Transaction& changes, Time now) {
  const std::string incident = notification.incident;
  changes.add.push_back(notification);
  queue.line.push(std::move(notification), 0, now);
  settle(queue, incident, changes, now);
  hold_to_bound(queue, changes);
}

// Makes one message of what waits of an incident, and none of an end without a beginning.
void Dispatcher::State::settle(Queue& queue, const std::string& incident, Transaction& changes, Time now) {
  const auto waiting = queue.line.waiting(incident);
  if (waiting.empty()) return;
  const bool known = queue.told.contains(incident) || queue.line.speaks_of(incident);
  const auto last = waiting.back();
  if (waiting.size() > 1) {
    Notification whole = queue.line.entry(waiting.front()).notification;
    for (std::size_t i = 1; i < waiting.size(); ++i) {
      whole = combined(whole, queue.line.entry(waiting[i]).notification, known);
    }
    for (std::size_t i = 0; i + 1 < waiting.size(); ++i) leave(queue, waiting[i], Outcome::merged, "", changes);
    const auto fresh = std::find_if(changes.add.begin(), changes.add.end(),
                                    [&](const Notification& added) { return added.id == whole.id; });
    if (fresh != changes.add.end()) {
      *fresh = whole;
    } else {
      changes.changed.push_back(whole);
    }
    queue.line.replace(last, std::move(whole));
  }
  const Notification left = queue.line.entry(last).notification;
  if (known || !is_only_an_end(left)) return;
  leave(queue, last, Outcome::pointless, "", changes);
  hand_to_fallback(queue, left, changes, now);  // which may have been told of the beginning instead
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
void Dispatcher::State::hand_to_fallback(const Queue& queue, Notification notification, Transaction& changes,
                                         Time now) {
  Queue* const other = queue.target.fallback.empty() ? nullptr : find(queue.target.fallback);
  if (other == nullptr || other->leaving || notification.fallback_has_it) return;
  notification.id += fallback_suffix;
  notification.receiver = other->target.name;
  offer(*other, std::move(notification), changes, now);
}

void Dispatcher::State::empty_out(Queue& queue, Transaction& changes) {
  std::vector<ReceiverQueue::Number> numbers;
  for (const auto& [number, entry] : queue.line.entries()) {
    if (number != queue.line.in_flight()) numbers.push_back(number);
  }
  for (const auto number : numbers) {
    leave(queue, number, Outcome::dropped, "its receiver was removed from the configuration", changes);
  }
  for (const auto& incident : queue.told) changes.told.push_back({queue.target.name, incident, false});
  queue.told.clear();
}

void Dispatcher::State::forget_those_that_left() {
  std::erase_if(queues, [this](const auto& queue) {
    if (!queue->leaving || queue->line.size() > 0) return false;
    gone[queue->target.name] = queue->status;
    return true;
  });
}

Result<void> Dispatcher::reload(std::vector<DispatchTarget> targets, Time now, WallTime wall) {
  Transaction changes;
  changes.at = wall;
  std::vector<std::unique_ptr<Queue>> next;
  for (auto& target : targets) {
    const auto old = std::find_if(state_->queues.begin(), state_->queues.end(), [&](const auto& queue) {
      return queue != nullptr && queue->target.name == target.name;
    });
    auto queue = old != state_->queues.end() ? std::move(*old) : std::make_unique<Queue>();
    queue->target = std::move(target);
    if (auto before = state_->gone.extract(queue->target.name)) queue->status = std::move(before.mapped());
    queue->leaving = false;
    queue->failures = 0;
    queue->paused_until = now;
    queue->line.all_are_due(now);
    next.push_back(std::move(queue));
  }
  for (auto& queue : state_->queues) {
    if (queue == nullptr) continue;
    queue->leaving = true;
    state_->empty_out(*queue, changes);
    next.push_back(std::move(queue));
  }
  state_->queues = std::move(next);
  state_->forget_those_that_left();
  for (auto& queue : state_->queues) state_->hold_to_bound(*queue, changes);
  return state_->outbox.commit(changes);
}

void Dispatcher::State::restore(Loaded& loaded, Transaction& changes, Time now) {
  for (auto& entry : loaded.told) {
    if (Queue* queue = find(entry.receiver)) queue->told.insert(std::move(entry.incident));
  }
  std::map<std::string, std::size_t> abandoned;  // messages by receiver
  for (auto& [notification, attempts] : loaded.pending) {
    Queue* const queue = find(notification.receiver);
    if (queue == nullptr) {
      ++abandoned[notification.receiver];
      changes.finished.push_back({notification.id, Outcome::dropped,
                                  "there is no receiver '" + notification.receiver + "' any more"});
    } else {
      queue->line.push(std::move(notification), attempts, now);
    }
  }
  for (const auto& [receiver, count] : abandoned) {
    gone[receiver].dropped += static_cast<std::int64_t>(count);
    loaded.warnings.push_back(std::to_string(count) + (count == 1 ? " unsent message is" : " unsent messages are") +
                              " in the dead letters: there is no receiver '" + receiver + "' any more");
  }
  loaded.pending.clear();
  loaded.told.clear();
  for (auto& queue : queues) {
    std::vector<std::string> incidents;
    for (const auto& [number, entry] : queue->line.entries()) incidents.push_back(entry.notification.incident);
    for (const auto& incident : incidents) settle(*queue, incident, changes, now);
    hold_to_bound(*queue, changes);
  }
}

Dispatcher::Dispatcher(Outbox& outbox, Loaded& loaded, std::vector<DispatchTarget> targets, RandomUnit random,
                       Time now, const RetryPolicy& policy)
    : state_(new State{outbox, std::move(random), policy, {}, {}, {}}) {
  for (auto& target : targets) {
    auto queue = std::make_unique<Queue>();
    queue->target = std::move(target);
    queue->paused_until = now;
    state_->queues.push_back(std::move(queue));
  }
  Transaction changes;
  changes.at = to_wall(now, {});
  state_->restore(loaded, changes, now);
  if (const auto done = outbox.commit(changes); !done) loaded.warnings.push_back(done.error().text());
}

Dispatcher::~Dispatcher() = default;

std::optional<Time> Dispatcher::next_due() const {
  std::optional<Time> first = state_->next_save;
  for (const auto& queue : state_->queues) {
    const auto due = queue->line.next_due();
    if (!due) continue;
    const Time at = std::max(*due, queue->paused_until);
    if (!first || at < *first) first = at;
  }
  return first;
}

bool Dispatcher::told(const std::string& receiver, const std::string& incident) const {
  const Queue* queue = state_->find(receiver);
  return queue != nullptr && queue->told.contains(incident);
}

std::vector<ReceiverStatus> Dispatcher::statuses() const {
  std::vector<ReceiverStatus> statuses;
  for (const auto& queue : state_->queues) {
    ReceiverStatus status = queue->status;
    status.leaving = queue->leaving;
    status.name = queue->target.name;
    status.queued = queue->line.size();
    status.in_flight = queue->line.in_flight().has_value();
    if (!queue->line.entries().empty()) {
      status.oldest_created_at = queue->line.entries().begin()->second.notification.created_at;
    }
    if (queue->failures > 0) status.paused_until = queue->paused_until;
    statuses.push_back(std::move(status));
  }
  for (const auto& [name, status] : state_->gone) {
    statuses.push_back(status);
    statuses.back().name = name;
    statuses.back().leaving = true;
  }
  return statuses;
}

std::size_t Dispatcher::queued() const {
  std::size_t total = 0;
  for (const auto& queue : state_->queues) total += queue->line.size();
  return total;
}

}  // namespace sidewatch
