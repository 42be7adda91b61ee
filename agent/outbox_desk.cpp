#include "agent/outbox_desk.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "agent/event_log.h"

namespace sidewatch {
namespace {

std::optional<WallTime> wall_of(const std::optional<Time>& time, Duration wall_step) {
  return time ? std::optional(to_wall(*time, wall_step)) : std::nullopt;
}

}  // namespace

OutboxAnswer OutboxDesk::answer(const OutboxQuestion& question) {
  if (std::string what = unknown(question); !what.empty()) {
    return OutboxRefusal{OutboxRefusal::Why::unknown, std::move(what)};
  }
  switch (question.what) {
    case OutboxQuestion::What::list: return list(question);
    case OutboxQuestion::What::retry: return retry(question);
    case OutboxQuestion::What::drop: return drop(question);
  }
  return OutboxRefusal{};
}

// A sentence when nothing is there that could be meant.
std::string OutboxDesk::unknown(const OutboxQuestion& question) const {
  const Chosen& which = question.which;
  if (!which.id.empty()) {
    if (waits(which) || !dead_letters(which).empty()) return "";
    return "no message of the id " + which.id + " waits or is among the dead letters";
  }
  if (which.receiver.empty()) return "";
  const auto receivers = dispatcher.statuses();
  const bool known = std::any_of(receivers.begin(), receivers.end(),
                                 [&](const ReceiverStatus& each) { return each.name == which.receiver; });
  if (known || !dead_letters(which).empty()) return "";
  return "there is no receiver '" + which.receiver + "'";
}

bool OutboxDesk::waits(const Chosen& which) const { return !dispatcher.waiting(which, 1, now).empty(); }

std::vector<DeadLetter> OutboxDesk::dead_letters(const Chosen& which) const {
  auto letters = outbox.dead_letters(max_outbox_rows);
  std::erase_if(letters, [&](const DeadLetter& letter) { return !which.holds(letter.notification); });
  return letters;
}

// All receivers share what one answer may hold, so that a long queue does not hide the others.
OutboxReport OutboxDesk::list(const OutboxQuestion& question) {
  OutboxReport report;
  for (const auto& status : dispatcher.statuses()) {
    if (!question.which.receiver.empty() && status.name != question.which.receiver) continue;
    report.receivers.push_back({status, wall_of(status.paused_until, wall_step)});
  }
  const std::size_t share = std::max<std::size_t>(max_outbox_rows / std::max<std::size_t>(report.receivers.size(), 1), 1);
  for (auto& message : dispatcher.waiting(question.which, std::min(question.most, share), now)) {
    const auto until = wall_of(message.until, wall_step);
    OutboxReport::Waiting row{std::move(message), until, {}};
    for (const auto& name : row.message.notification.routing.mute) {
      if (mutes != nullptr && mutes->until(name, wall())) row.mute_times.push_back(name);
    }
    report.waiting.push_back(std::move(row));
  }
  const bool of_all = question.which.id.empty() && question.which.receiver.empty();  // to read them all is not cheap
  report.dead = of_all ? outbox.dead_letters(question.most) : dead_letters(question.which);
  report.dead_letters = of_all ? outbox.dead_letter_count() : report.dead.size();
  if (report.dead.size() > question.most) report.dead.resize(question.most);
  return report;
}

OutboxAnswer OutboxDesk::retry(const OutboxQuestion& question) {
  OutboxChange change;
  const bool of_dead = question.dead || (!question.which.id.empty() && !waits(question.which));
  if (!of_dead && !question.to.empty()) {
    return OutboxRefusal{OutboxRefusal::Why::wrong, "only dead letters can be sent to another receiver"};
  }
  if (of_dead) {
    if (std::string why = why_not_writable(); !why.empty()) return OutboxRefusal{OutboxRefusal::Why::not_now, why};
    send_again(question, change);
  } else {
    change.tried = dispatcher.try_now(question.which, now);
  }
  log_by_hand(log, question, change);
  return change;
}

void OutboxDesk::send_again(const OutboxQuestion& question, OutboxChange& change) {
  std::unordered_map<std::string, FiresNow> firing;  // by alert
  for (const AlertView& alert : judge.alerts_now(wall_step)) {
    if (alert.firing) firing.emplace(alert.key, FiresNow{alert.incident, alert.level});
  }
  const auto fires_now = [&](const std::string& alert_key) {
    const auto found = firing.find(alert_key);
    return found == firing.end() ? std::nullopt : std::optional(found->second);
  };
  auto letters = dead_letters(question.which);
  std::reverse(letters.begin(), letters.end());
  change.sent_again = dispatcher.send_again(letters, {question.to, fires_now}, now, wall());
  if (!change.sent_again.stored) change.not_on_disk = change.sent_again.stored.error().text();
}

OutboxAnswer OutboxDesk::drop(const OutboxQuestion& question) {
  if (std::string why = why_not_writable(); !why.empty()) return OutboxRefusal{OutboxRefusal::Why::not_now, why};
  OutboxChange change;
  if (!question.dead) {
    change.dropped = dispatcher.discard(question.which, max_outbox_rows, wall());
    if (!change.dropped.stored) change.not_on_disk = change.dropped.stored.error().text();
  }
  if (question.dead || !question.which.id.empty()) forget(dead_letters(question.which), change);
  log_by_hand(log, question, change);
  return change;
}

void OutboxDesk::forget(const std::vector<DeadLetter>& letters, OutboxChange& change) {
  Transaction changes;
  changes.at = wall();
  for (const DeadLetter& letter : letters) {
    if (letter.number != 0) changes.forgotten.push_back({letter.number, letter.notification.id});
  }
  if (changes.empty()) return;
  change.forgotten = changes.forgotten.size();
  if (const auto done = outbox.commit(changes); !done) change.not_on_disk = done.error().text();
}

// What somebody does by hand is promised to last: where the disk takes nothing, nothing is begun.
std::string OutboxDesk::why_not_writable() {
  if (!outbox.statistics().degraded) return "";
  if (const auto done = outbox.commit({})) return "";
  return "nothing was changed, for the disk takes no change now: " + outbox.statistics().last_failure;
}

}  // namespace sidewatch
