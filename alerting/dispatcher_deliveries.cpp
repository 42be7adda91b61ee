// Which messages go when, and which go together; see dispatcher_state.h.
//
// A message of a group waits for others of it before its first attempt (group_wait), and goes with all of the group that
// are due. The id of what goes together is made of the members' and written into each (Routing::batch) before it is handed
// out: after a crash the same messages go again, under the same id, so that the receiver can tell a repetition. With it is
// written that they were attempted: what is under way when the process is killed may have arrived.
#include <algorithm>
#include <utility>

#include "alerting/alert.h"
#include "alerting/dispatcher_state.h"

namespace sidewatch {
namespace {

constexpr std::size_t most_groups_remembered = 1'000;

}  // namespace

// From when a new message may go, unless something holds it back (dispatcher_holds.cpp). A reload (all_are_due) lets it go.
Time Dispatcher::State::earliest(Queue& queue, const Notification& notification, Time now) {
  const Routing& routing = notification.routing;
  if (!queue.target.takes_groups || routing.group.empty() || routing.group_wait <= Duration(0)) return now;
  if (queue.groups.size() >= most_groups_remembered) {
    std::erase_if(queue.groups, [now](const auto& group) { return group.second <= now; });
  }
  Time& until = queue.groups.try_emplace(routing.group, now).first->second;
  if (until <= now) until = now + routing.group_wait;
  return until;
}

std::optional<Delivery> Dispatcher::State::next_delivery(Queue& queue, Transaction& changes, Time now) {
  if (queue.paused_until > now || queue.occupied || !queue.line.first_due(now)) return std::nullopt;
  if (!queue.bucket.has_room(now)) {
    if (!std::exchange(queue.held_back, true)) ++queue.status.rate_limited;
    return std::nullopt;
  }
  const auto numbers = what_goes_now(queue, changes, now);
  if (numbers.empty()) return std::nullopt;
  const bool digest = queue.held_back && numbers.size() > 1;
  if (queue.held_back && queue.line.all_due(now).size() == numbers.size()) queue.held_back = false;
  Delivery delivery;
  delivery.receiver = queue.target.name;
  const Notification& head = queue.line.entry(numbers.front()).notification;
  const bool in_a_group = queue.target.takes_groups && (digest || !head.routing.group.empty());
  if (queue.target.takes_groups && !head.routing.batch.empty()) {
    delivery.id = head.routing.batch;
  } else {
    delivery.id = batch_id(queue, numbers, digest ? digest_id_prefix : group_id_prefix);
  }
  delivery.digest = delivery.id.starts_with(digest_id_prefix);
  if (in_a_group && !delivery.digest) delivery.group_labels = head.routing.group_labels;
  for (const auto number : numbers) {
    if (in_a_group) pin(queue, number, delivery.id, changes);
    delivery.alerts.push_back(queue.line.entry(number).notification);
    changes.attempted.push_back({queue.line.entry(number).notification.id, queue.line.entry(number).attempts + 1});
    queue.line.take(number);
  }
  queue.under_way = delivery.id;
  use_rate(queue, changes, now);
  return delivery;
}

// Of several together; of one its own.
std::string Dispatcher::State::batch_id(const Queue& queue, const std::vector<ReceiverQueue::Number>& numbers,
                                        std::string_view prefix) const {
  const auto id_of = [&](const auto number) { return queue.line.entries().at(number).notification.id; };
  if (numbers.size() == 1) return id_of(numbers.front());
  std::string ids;
  for (const auto number : numbers) ids += id_of(number) + "\n";
  return std::string(prefix) + to_hex(stable_hash(ids));
}

// So that a process that begins anew does not begin with a full allowance.
void Dispatcher::State::use_rate(Queue& queue, Transaction& changes, Time now) {
  if (!queue.bucket.limited()) return;
  queue.bucket.take(now);
  changes.states.push_back({std::string(rate_row_prefix) + queue.target.name,
                            std::to_string(queue.bucket.full_at().time_since_epoch().count())});
}

// All that was not tried yet, of whatever group; where they are too many, the worst.
std::vector<ReceiverQueue::Number> Dispatcher::State::held_back_together(Queue& queue, Time now) {
  std::vector<ReceiverQueue::Number> numbers = queue.line.all_due(now);
  std::erase_if(numbers, [&](const auto n) { return !queue.line.entry(n).notification.routing.batch.empty(); });
  if (numbers.size() > max_alerts_per_delivery) {
    std::stable_sort(numbers.begin(), numbers.end(), [&](const auto a, const auto b) {
      return queue.line.entry(a).notification.worst > queue.line.entry(b).notification.worst;
    });
    numbers.resize(max_alerts_per_delivery);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

// The first whose time has come; while a rate limit makes some of them wait, the worst.
std::optional<ReceiverQueue::Number> Dispatcher::State::whose_turn(const Queue& queue, Time now) const {
  if (!queue.held_back) return queue.line.first_due(now);
  const auto numbers = queue.line.all_due(now);
  const auto worst = std::max_element(numbers.begin(), numbers.end(), [&](const auto a, const auto b) {
    return queue.line.entries().at(a).notification.worst < queue.line.entries().at(b).notification.worst;
  });
  return worst == numbers.end() ? std::nullopt : std::optional(*worst);
}

// Nothing that is held back: a silence may have come since the last review.
std::vector<ReceiverQueue::Number> Dispatcher::State::what_goes_now(Queue& queue, Transaction& changes, Time now) {
  const auto next = [&] {
    const auto first = whose_turn(queue, now);
    return first ? what_goes_together(queue, *first, now) : std::vector<ReceiverQueue::Number>();
  };
  auto numbers = next();
  if (std::any_of(numbers.begin(), numbers.end(), [&](const auto n) { return hold(queue, n, changes, now); })) {
    review_all(queue, changes, now);
    numbers = next();
  }
  for (const auto number : numbers) release(queue, number, changes, now);
  return numbers;
}

std::vector<ReceiverQueue::Number> Dispatcher::State::what_goes_together(Queue& queue, ReceiverQueue::Number first,
                                                                         Time now) {
  const Routing routing = queue.line.entry(first).notification.routing;
  if (!queue.target.takes_groups) return {first};
  if (queue.held_back && routing.batch.empty()) return held_back_together(queue, now);
  if (routing.batch.empty() && routing.group.empty()) return {first};
  std::vector<ReceiverQueue::Number> numbers;
  for (const auto number : queue.line.all_due(now)) {
    const Routing& other = queue.line.entry(number).notification.routing;
    if (other.batch != routing.batch || (routing.batch.empty() && other.group != routing.group)) continue;
    numbers.push_back(number);
    if (numbers.size() == max_alerts_per_delivery) break;
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

// In this delivery, and in no other, for as long as it says what it says now.
void Dispatcher::State::pin(Queue& queue, ReceiverQueue::Number number, const std::string& batch, Transaction& changes) {
  Notification& notification = queue.line.entry(number).notification;
  if (notification.routing.batch == batch) return;
  notification.routing.batch = batch;
  changes.changed.push_back(notification);
}

// One of it has left: what remains would be something else under the same id.
void Dispatcher::State::dissolve(Queue& queue, const std::string& batch, Transaction& changes) {
  std::vector<ReceiverQueue::Number> members;
  for (const auto& [number, entry] : queue.line.entries()) {
    if (entry.notification.routing.batch == batch) members.push_back(number);
  }
  for (const auto number : members) pin(queue, number, "", changes);
}

}  // namespace sidewatch
