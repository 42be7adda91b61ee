// What a restart and a reload do to the queues; see dispatcher_state.h.
#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "alerting/dispatcher_state.h"

namespace sidewatch {
namespace {

// After a restart: until then the rules have seen what is the case, and what was held back tells that.
constexpr Duration first_look = std::chrono::seconds(2);

}  // namespace

void Dispatcher::State::empty_out(Queue& queue, Transaction& changes) {
  std::vector<ReceiverQueue::Number> numbers;
  for (const auto& [number, entry] : queue.line.entries()) {
    if (!queue.line.in_flight().contains(number)) numbers.push_back(number);
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
    queue->bucket.set_limit(queue->target.rate_limit);
    queue->bucket.restore(queue->bucket.full_at(), now);  // a larger limit is in force at once
    if (auto before = state_->gone.extract(queue->target.name)) queue->status = std::move(before.mapped());
    queue->leaving = false;
    queue->failures = 0;
    queue->held_back = queue->held_back && queue->bucket.limited();
    queue->paused_until = queue->left_alone_until = now;
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

// The rows are taken away from the states: nobody else knows them.
void Dispatcher::State::restore_rates(Loaded& loaded, Transaction& changes, Time now) {
  std::erase_if(loaded.states, [&](const StateRow& row) {
    if (!row.key.starts_with(rate_row_prefix)) return false;
    std::int64_t full_at_ms = 0;
    const auto read = std::from_chars(row.blob.data(), row.blob.data() + row.blob.size(), full_at_ms);
    Queue* const queue = find(row.key.substr(rate_row_prefix.size()));
    if (read.ec == std::errc() && queue != nullptr && queue->bucket.limited()) {
      queue->bucket.restore(time_at_ms(full_at_ms), now);
    } else {
      changes.states.push_back({row.key, ""});
    }
    return true;
  });
}

void Dispatcher::State::restore(Loaded& loaded, Transaction& changes, Time now) {
  restore_rates(loaded, changes, now);
  for (auto& entry : loaded.told) {
    if (Queue* queue = find(entry.receiver)) {
      queue->told.insert(std::move(entry.incident));
    } else {
      changes.told.push_back({entry.receiver, entry.incident, false});
    }
  }
  std::map<std::string, std::size_t> abandoned;  // messages by receiver
  for (auto& [notification, attempts] : loaded.pending) {
    Queue* const queue = find(notification.receiver);
    if (queue == nullptr) {
      ++abandoned[notification.receiver];
      changes.finished.push_back({notification.id, Outcome::dropped,
                                  "there is no receiver '" + notification.receiver + "' any more"});
    } else {
      const Time not_before = notification.routing.held ? now + first_look : now;
      queue->line.push(std::move(notification), attempts, not_before);
    }
  }
  for (const auto& [receiver, count] : abandoned) {
    gone[receiver].dropped += static_cast<std::int64_t>(count);
    loaded.warnings.push_back(std::to_string(count) + (count == 1 ? " unsent message is" : " unsent messages are") +
                              " in the dead letters: there is no receiver '" + receiver + "' any more");
  }
  loaded.pending.clear();
  loaded.told.clear();
  forget_what_has_no_letters(changes);
  for (auto& queue : queues) {
    std::vector<std::string> incidents;
    for (const auto& [number, entry] : queue->line.entries()) incidents.push_back(entry.notification.incident);
    for (const auto& incident : incidents) settle(*queue, incident, changes, now);
    hold_to_bound(*queue, changes);
  }
}

}  // namespace sidewatch
