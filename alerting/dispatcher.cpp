#include "alerting/dispatcher.h"

#include <algorithm>
#include <set>
#include <utility>

#include "alerting/dispatcher_state.h"

namespace sidewatch {
namespace {

constexpr Duration degraded_retry = std::chrono::seconds(10);  // how often what is in memory only is tried on the disk

constexpr Duration hold_review = std::chrono::seconds(1);

bool says_only_what_is_attempted(const Transaction& changes) {
  return changes.states.empty() && changes.add.empty() && changes.changed.empty() && changes.finished.empty() &&
         changes.told.empty() && changes.forgotten.empty() && !changes.saved;
}

}  // namespace

Dispatcher::Queue* Dispatcher::State::find(const std::string& receiver) {
  for (auto& queue : queues) {
    if (queue->target.name == receiver) return queue.get();
  }
  return nullptr;
}

Result<void> Dispatcher::enqueue(std::vector<Notification> notifications, Transaction with, Time now) {
  if (with.at == WallTime() && !notifications.empty()) with.at = notifications.front().created_at;
  state_->note_fallbacks(notifications);
  state_->silenced.clear();
  std::set<std::string> heard;  // incidents; those who know of one may forget it with its end
  for (const auto& each : notifications) {
    if (!each.problem() && state_->told_of(each.incident)) heard.insert(each.incident);
  }
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
  for (auto& end : std::exchange(state_->silenced, {})) {
    if (heard.contains(end.incident) || state_->awaits(end.incident)) continue;
    heard.insert(end.incident);
    state_->unheard.push_back(std::move(end));
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

std::vector<Delivery> Dispatcher::due(Time now) {
  state_->save_what_waits(now);
  std::vector<Delivery> handed_out;
  Transaction changes;
  changes.at = to_wall(now, {});
  const bool review = now >= state_->next_review;
  if (review) state_->next_review = now + hold_review;
  for (auto& queue : state_->queues) {
    if (review) queue->to_review = std::max(queue->to_review, most_reviewed);
    if (queue->to_review > 0) state_->review_some(*queue, changes, now);
    if (auto delivery = state_->next_delivery(*queue, changes, now)) handed_out.push_back(std::move(*delivery));
  }
  if (says_only_what_is_attempted(changes)) changes.survives = Survives::kill;
  // Not on disk: it is in memory, and what goes together is so for as long as the process lives.
  if (!changes.empty()) static_cast<void>(state_->outbox.commit(changes));
  return handed_out;
}

Result<void> Dispatcher::finished(const std::string& receiver, const std::string& id, const Attempt& attempt, Time now,
                                  WallTime wall) {
  Queue* const queue = state_->find(receiver);
  if (queue == nullptr || queue->under_way.empty() || queue->under_way != id) return {};

  Transaction changes;
  changes.at = wall;
  if (std::holds_alternative<Delivered>(attempt)) {
    state_->delivered(*queue, changes, now);
  } else if (const auto* rejection = std::get_if<Rejected>(&attempt)) {
    if (queue->line.in_flight().size() > 1 && !queue->leaving) {
      state_->take_apart(*queue, rejection->why, changes, now);
    } else {
      state_->refused(*queue, rejection->why, changes, now);
    }
  } else {
    const auto& later = std::get<RetryLater>(attempt);
    queue->bucket.give_back();
    ++queue->status.failed_attempts;
    queue->status.last_failure = later.why;
    if (queue->leaving) {
      const std::string why = "its receiver was removed; the last attempt: " + later.why;
      const auto numbers = queue->line.in_flight();
      for (const auto number : numbers) state_->leave(*queue, number, Outcome::dropped, why, changes);
    } else if (later.refused && !queue->target.fallback.empty() && !state_->owes_an_end(*queue)) {
      state_->refused(*queue, later.why, changes, now);
    } else {
      state_->retry(*queue, later, changes, now);
    }
  }
  queue->under_way.clear();
  state_->forget_those_that_left();
  return state_->outbox.commit(changes);
}

void Dispatcher::hand_back(const std::string& receiver, const std::string& id) {
  Queue* const queue = state_->find(receiver);
  if (queue == nullptr || queue->under_way != id) return;
  const auto numbers = queue->line.in_flight();
  Transaction changes;
  changes.survives = Survives::kill;
  for (const auto number : numbers) {
    queue->line.put_back(number, queue->line.entry(number).not_before);
    state_->did_not_arrive(*queue, number, changes);
  }
  queue->bucket.give_back();
  queue->under_way.clear();
  static_cast<void>(state_->outbox.commit(changes));
}

Dispatcher::Dispatcher(Outbox& outbox, Loaded& loaded, std::vector<DispatchTarget> targets, RandomUnit random,
                       Time now, const RetryPolicy& policy)
    : state_(new State{outbox, std::move(random), policy, {}, {}, {}}) {
  for (auto& target : targets) {
    auto queue = std::make_unique<Queue>();
    queue->target = std::move(target);
    queue->bucket.set_limit(queue->target.rate_limit);
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
    if (queue->to_review > 0) first = state_->next_review - hold_review;  // at once
    const auto due = queue->line.next_due();
    if (!due || queue->occupied) continue;
    const Time at = std::max({*due, queue->paused_until, queue->bucket.room_at()});
    if (!first || at < *first) first = at;
  }
  return first;
}

void Dispatcher::occupy(const std::string& receiver, bool occupied) {
  if (Queue* queue = state_->find(receiver)) queue->occupied = occupied;
}

// What is refused as things are (a token that is wrong) says nothing about the next message: that has its own answer.
void Dispatcher::heed(const std::string& receiver, const Attempt& attempt, Time now) {
  Queue* const queue = state_->find(receiver);
  const auto* later = std::get_if<RetryLater>(&attempt);
  if (queue == nullptr || later == nullptr || later->refused || !later->whole_receiver || !later->after) return;
  queue->left_alone_until = now + retry_delay(state_->policy, 1, later->after, state_->random);
  queue->paused_until = std::max(queue->paused_until, queue->left_alone_until);
}

bool Dispatcher::left_alone(const std::string& receiver, Time now) const {
  const Queue* const queue = state_->find(receiver);
  return queue != nullptr && queue->left_alone_until > now;
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
    status.in_flight = queue->line.in_flight().size();
    status.held = static_cast<std::size_t>(std::count_if(queue->line.entries().begin(), queue->line.entries().end(),
                                                         [](const auto& item) { return item.second.held_until.has_value(); }));
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
