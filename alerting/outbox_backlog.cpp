#include "alerting/outbox_backlog.h"

#include <algorithm>

namespace sidewatch {

void Backlog::append(const Transaction& transaction, std::size_t max_dead_letters, bool in_doubt) {
  empty_ = empty_ && transaction.empty();
  for (const auto& [key, blob] : transaction.states) states_[key] = blob;
  added_.insert(added_.end(), transaction.add.begin(), transaction.add.end());
  for (const auto& changed : transaction.changed) {
    const auto here = std::find_if(added_.begin(), added_.end(),
                                   [&](const Notification& notification) { return notification.id == changed.id; });
    if (here != added_.end()) *here = changed;
    if (here == added_.end() || in_doubt) changed_[changed.id] = changed;
  }
  for (const auto& [id, attempts] : transaction.attempted) attempted_[id] = attempts;
  for (const auto& entry : transaction.told) told_[{entry.receiver, entry.incident}] = entry.told;
  forgotten_.insert(forgotten_.end(), transaction.forgotten.begin(), transaction.forgotten.end());
  if (transaction.saved) saved_ = transaction.saved;
  if (!transaction.empty()) at_ = transaction.at;  // an empty one only asks for a try
  for (const auto& finished : transaction.finished) finish(finished, max_dead_letters, in_doubt);
}

void Backlog::finish(const Finished& finished, std::size_t max_dead_letters, bool in_doubt) {
  const auto here = std::find_if(added_.begin(), added_.end(),
                                 [&](const Notification& notification) { return notification.id == finished.id; });
  const bool buried = finished.outcome == Outcome::rejected || finished.outcome == Outcome::dropped;
  if (!buried) changed_.erase(finished.id);
  if (here == added_.end()) {
    finished_.push_back(finished);
    return;
  }
  if (!buried) {
    attempted_.erase(finished.id);
    added_.erase(here);
    if (in_doubt) finished_.push_back(finished);
    return;
  }
  buried_.push_back(finished);
  if (buried_.size() <= max_dead_letters) return;
  const std::string oldest = buried_.front().id;
  buried_.erase(buried_.begin());
  attempted_.erase(oldest);
  std::erase_if(added_, [&](const Notification& notification) { return notification.id == oldest; });
}

Transaction Backlog::as_transaction() const {
  Transaction all;
  for (const auto& [key, blob] : states_) all.states.push_back({key, blob});
  all.add = added_;
  for (const auto& [id, notification] : changed_) all.changed.push_back(notification);
  all.finished = finished_;
  all.finished.insert(all.finished.end(), buried_.begin(), buried_.end());
  for (const auto& [id, attempts] : attempted_) all.attempted.push_back({id, attempts});
  for (const auto& [who, told] : told_) all.told.push_back({who.first, who.second, told});
  all.forgotten = forgotten_;
  all.saved = saved_;
  all.at = at_;
  return all;
}

std::vector<DeadLetter> Backlog::dead_letters() const {
  std::vector<DeadLetter> letters;
  for (auto buried = buried_.rbegin(); buried != buried_.rend(); ++buried) {
    const auto here = std::find_if(added_.begin(), added_.end(),
                                   [&](const Notification& notification) { return notification.id == buried->id; });
    if (here == added_.end()) continue;
    const auto attempts = attempted_.find(buried->id);
    letters.push_back({*here, buried->why, at_, attempts == attempted_.end() ? 0 : attempts->second});
  }
  return letters;
}

}  // namespace sidewatch
