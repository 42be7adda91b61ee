#include "alerting/receiver_queue.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace sidewatch {
namespace {

std::size_t hash_of(const std::string& incident) { return std::hash<std::string>()(incident); }

}  // namespace

std::optional<ReceiverQueue::Number> ReceiverQueue::first_due(Time now) const {
  if (!in_flight_.empty() || heads_.empty() || heads_.begin()->first > now) return std::nullopt;
  return heads_.begin()->second;
}

std::vector<ReceiverQueue::Number> ReceiverQueue::all_due(Time now) const {
  std::vector<Number> numbers;
  if (!in_flight_.empty()) return numbers;
  for (const auto& [time, number] : heads_) {
    if (time > now) break;
    numbers.push_back(number);
  }
  return numbers;
}

void ReceiverQueue::take(Number number) {
  const Entry& taken = entries_.at(number);
  in_flight_.insert(number);
  by_worth_.erase({taken.notification.worst, number});
  refresh(taken.notification.alert_key);
}

void ReceiverQueue::put_back(Number number, Time not_before) {
  Entry& back = entries_.at(number);
  back.not_before = not_before;
  in_flight_.erase(number);
  by_worth_.insert({back.notification.worst, number});
  refresh(back.notification.alert_key);
}

ReceiverQueue::Number ReceiverQueue::push(Notification notification, std::int64_t attempts, Time not_before) {
  const Number number = next_++;
  const std::string alert_key = notification.alert_key;
  by_worth_.insert({notification.worst, number});
  by_incident_.insert({hash_of(notification.incident), number});
  entries_.emplace(number, Entry{std::move(notification), attempts, not_before, std::nullopt});
  lines_[alert_key].numbers.insert(number);
  refresh(alert_key);
  return number;
}

void ReceiverQueue::remove(Number number) {
  const auto gone = entries_.find(number);
  const std::string alert_key = gone->second.notification.alert_key;
  by_worth_.erase({gone->second.notification.worst, number});
  by_incident_.erase({hash_of(gone->second.notification.incident), number});
  lines_[alert_key].numbers.erase(number);
  in_flight_.erase(number);
  entries_.erase(gone);
  refresh(alert_key);
}

void ReceiverQueue::replace(Number number, Notification notification) {
  Entry& changed = entries_.at(number);
  by_worth_.erase({changed.notification.worst, number});
  by_worth_.insert({notification.worst, number});
  changed.notification = std::move(notification);
}

void ReceiverQueue::postpone(Number number, std::int64_t attempts, Time not_before) {
  Entry& later = entries_.at(number);
  later.attempts = attempts;
  later.not_before = not_before;
  refresh(later.notification.alert_key);
}

void ReceiverQueue::hold(Number number, std::optional<Time> until) {
  Entry& held = entries_.at(number);
  held.held_until = until;
  refresh(held.notification.alert_key);
}

void ReceiverQueue::all_are_due(Time now) {
  for (auto& [number, entry] : entries_) {
    if (entry.not_before <= now) continue;
    entry.not_before = now;
    refresh(entry.notification.alert_key);
  }
}

std::optional<Time> ReceiverQueue::next_due() const {
  if (!in_flight_.empty() || heads_.empty()) return std::nullopt;
  return heads_.begin()->first;
}

std::vector<ReceiverQueue::Number> ReceiverQueue::waiting(const std::string& incident) const {
  std::vector<Number> numbers;
  const std::size_t hash = hash_of(incident);
  for (auto it = by_incident_.lower_bound({hash, 0}); it != by_incident_.end() && it->first == hash; ++it) {
    const Number number = it->second;
    if (!in_flight_.contains(number) && entries_.at(number).notification.incident == incident) numbers.push_back(number);
  }
  return numbers;
}

bool ReceiverQueue::speaks_of(const std::string& incident) const {
  return std::any_of(in_flight_.begin(), in_flight_.end(),
                     [&](Number number) { return entries_.at(number).notification.incident == incident; });
}

std::optional<ReceiverQueue::Number> ReceiverQueue::least_worth() const {
  if (by_worth_.empty()) return std::nullopt;
  return by_worth_.begin()->second;
}

// Only the first of an alert may go, and nobody of an alert whose first is under way.
void ReceiverQueue::refresh(const std::string& alert_key) {
  const auto found = lines_.find(alert_key);
  Line& line = found->second;
  if (line.head) heads_.erase(*line.head);
  line.head.reset();
  if (line.numbers.empty()) {
    lines_.erase(found);
    return;
  }
  const Number first = *line.numbers.begin();
  if (in_flight_.contains(first)) return;
  line.head = {entries_.at(first).due(), first};
  heads_.insert(*line.head);
}

}  // namespace sidewatch
