// Dead letters that are sent again because somebody says so.
//
// A dead letter goes to the end of its receiver's queue under its old id, and by itself: so whoever took it after all
// sees by the Idempotency-Key that it is the same; and it is, also where a silence holds it for long (as_written). Time
// has gone on since it was written, and what holds for every other message holds for it:
//
// - A receiver hears the end of an incident if and only if it heard of the incident. So a problem that is sent again while
//   its incident goes on is told as it was written, and its end will follow like any other. If the incident is over, nobody
//   would ever send that end: the letter then tells both in one (fired_and_resolved), and that it ended by now at the
//   latest, since nobody kept when. That is another message, under another id: a receiver that did get the first one, its
//   answer having been lost, must not take it for a repetition.
// - The end of an incident is in the dead letters only where the receiver had heard of it (dispatcher_queues.cpp drops any
//   other). Its death had that forgotten; sent again to the same receiver, it is remembered. Another receiver (`to`) is not
//   told the end of what it never heard of.
// - The last thing that a receiver hears of an incident is what is the case. So a letter stays where it is when something
//   newer about its incident waits, when the receiver was told since, or is another one, and the level is not the letter's
//   any more, or when the alert fires in a new incident: many services know an alert only by its labels, and would take
//   that for ended.
// - What it was told it is not told again under another id: not that an incident began of which it has heard since, nor that
//   one is over whose end it has heard. Letters of one incident that are sent again together are told as one, under an id
//   of its own: each of them may have arrived as it was written.
// - A fallback was given its copy when the letter died, and gets no second one.
#include <algorithm>
#include <set>
#include <utility>

#include "alerting/dispatcher_state.h"

namespace sidewatch {
namespace {

constexpr std::string_view over_suffix = "-over";
constexpr std::string_view whole_suffix = "-whole";
constexpr std::size_t all_letters = 10'000;  // more than the outbox keeps

}  // namespace

SentAgain Dispatcher::send_again(const std::vector<DeadLetter>& letters, const SendAgain& how, Time now, WallTime wall) {
  SentAgain done;
  Transaction changes;
  changes.at = wall;
  for (const DeadLetter& letter : letters) {
    const std::string why_not = state_->take_back(letter, how, changes, now);
    if (why_not.empty()) {
      ++done.messages;
    } else {
      done.stays.push_back({letter.notification.id, why_not});
    }
  }
  if (!changes.empty()) done.stored = state_->outbox.commit(changes);
  return done;
}

// Why it stays a dead letter; empty: it waits again.
std::string Dispatcher::State::take_back(const DeadLetter& letter, const SendAgain& how, Transaction& changes, Time now) {
  Notification message = letter.notification;
  const std::string name = how.to.empty() ? message.receiver : how.to;
  if (letter.number == 0) return "it is not on disk yet";
  Queue* const queue = find(name);
  if (queue == nullptr || queue->leaving) return "there is no receiver '" + name + "' any more: send it to another one (--to)";
  if (queue->line.size() >= queue->target.max_queued) return "the queue of '" + name + "' is full";
  if (waits_somewhere(message)) return "a message of this id waits already";
  if (queue->line.speaks_of(message.incident)) return "a message about the same incident is being sent just now: try again";
  const auto waiting = queue->line.waiting(message.incident);
  if (!waiting.empty() && queue->line.entry(waiting.back()).notification.created_at >= message.created_at) {
    return "a newer message about the same incident waits already";
  }
  const auto fires = how.fires_now ? how.fires_now(message.alert_key) : std::nullopt;
  const bool to_its_own = name == message.receiver;
  message.receiver = name;
  if (auto why_not = bring_up_to_date(*queue, message, to_its_own, fires, changes, now);
      !why_not.empty()) {
    return why_not;
  }
  if (!waiting.empty()) message.id += whole_suffix;
  message.fallback_has_it = true;
  message.routing.batch = queue->target.takes_groups ? message.id : "";
  message.routing.group_wait = Duration(0);
  message.routing.held = false;
  message.routing.as_written = true;
  changes.forgotten.push_back({letter.number, letter.notification.id});
  queue->failures = 0;
  queue->paused_until = std::min(queue->paused_until, now);
  const std::int64_t attempts = to_its_own ? letter.attempts : 0;  // at this receiver
  if (attempts > 0) changes.attempted.push_back({message.id, attempts});
  offer(*queue, std::move(message), changes, now, attempts);
  return "";
}

// Why it has nothing to say any more; empty: it has.
std::string Dispatcher::State::bring_up_to_date(Queue& queue, Notification& message, bool to_its_own,
                                                const std::optional<FiresNow>& fires, Transaction& changes, Time now) {
  const bool told = queue.told.contains(message.incident);
  if (fires && fires->incident != message.incident) return "its incident is over, and the alert fires again since";
  if (is_only_an_end(message)) {
    if (!queue.wants_end(message.incident)) return "'" + queue.target.name + "' is not told of ends (send_resolved: false)";
    if (told || !queue.line.waiting(message.incident).empty()) return "";
    if (!to_its_own) return "it is the end of an incident that '" + queue.target.name + "' never heard of";
    queue.told.insert(message.incident);
    changes.told.push_back({queue.target.name, message.incident, true});
    return "";
  }
  if (message.problem() && fires) {
    if (told && message.level != fires->level) {
      return "'" + queue.target.name + "' has heard of this incident, and it is " + std::string(to_string(fires->level)) +
             " now, not " + std::string(to_string(message.level));
    }
    if (told && (message.reason == Reason::fired || message.reason == Reason::repeated)) {
      return "'" + queue.target.name + "' has heard of this incident since";
    }
    if (!told && !to_its_own && message.level != fires->level) {
      return "it is " + std::string(to_string(fires->level)) + " now, not " + std::string(to_string(message.level));
    }
    if (!told) message.routing.follow_up = false;
    return "";
  }
  if (told) return "its incident is over";
  const bool knew = queue.has_mark(message.incident, knew_of_it);
  if (knew && queue.line.waiting(message.incident).empty()) {
    return "its incident is over, and '" + queue.target.name + "' has heard of it";
  }
  if (hold_back && hold_back(message, now)) return "its incident is over, and a silence or a mute time holds it back";
  if (message.problem()) {
    mark(queue, message.incident, knew_of_it, changes);
    message.id += over_suffix;
    message.reason = Reason::fired_and_resolved;
    message.level = Level::ok;
    message.ends_at = changes.at;
    message.duration = std::max(message.duration, changes.at - message.starts_at);
  }
  message.routing.follow_up = false;
  return "";
}

bool Dispatcher::State::waits_somewhere(const Notification& message) const {
  return std::any_of(queues.begin(), queues.end(), [&](const auto& queue) {
    const auto is_it = [&](ReceiverQueue::Number number) { return queue->line.entry(number).notification.id == message.id; };
    const auto waiting = queue->line.waiting(message.incident);
    const auto& in_flight = queue->line.in_flight();
    return std::any_of(waiting.begin(), waiting.end(), is_it) || std::any_of(in_flight.begin(), in_flight.end(), is_it);
  });
}

// What was known of incidents all of whose dead letters are gone by now: nobody will ask for it again. At each start, so that
// it does not grow for ever.
void Dispatcher::State::forget_what_has_no_letters(Transaction& changes) {
  const auto is_of_letters = [](const std::string& entry) { return entry.ends_with(knew_of_it); };
  const bool any = std::any_of(queues.begin(), queues.end(), [&](const auto& queue) {
    return std::any_of(queue->told.begin(), queue->told.end(), is_of_letters);
  });
  if (!any) return;
  std::set<std::string> with_letters;
  for (const auto& letter : outbox.dead_letters(all_letters)) {
    with_letters.insert(letter.notification.incident + std::string(knew_of_it));
  }
  for (auto& queue : queues) {
    std::erase_if(queue->told, [&](const std::string& entry) {
      if (!is_of_letters(entry) || with_letters.contains(entry)) return false;
      changes.told.push_back({queue->target.name, entry, false});
      return true;
    });
  }
}

}  // namespace sidewatch
