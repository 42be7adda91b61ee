// What the disk did not take yet: transactions folded into one, so that a disk that stays full for a week costs no more
// memory than what is really waiting.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "alerting/outbox.h"

namespace sidewatch {

class Backlog {
 public:
  bool empty() const { return empty_; }
  void clear() { *this = Backlog(); }

  // As if `transaction` had been committed after everything that is here. Of messages that came and went meanwhile only
  // the dead letters are kept, the newest `max_dead_letters`; `in_doubt`: the disk may hold some of what is here, so
  // that what became of a message must be told even so.
  void append(const Transaction& transaction, std::size_t max_dead_letters, bool in_doubt);

  Transaction as_transaction() const;

  // Of the messages that are only here.
  std::vector<DeadLetter> dead_letters() const;
  std::size_t dead_letter_count() const { return buried_.size(); }

  // Of those on disk.
  const std::vector<Forgotten>& forgotten() const { return forgotten_; }

 private:
  void finish(const Finished& finished, std::size_t max_dead_letters, bool in_doubt);

  bool empty_ = true;
  std::map<std::string, std::string> states_;
  std::vector<Notification> added_;
  std::map<std::string, Notification> changed_;  // of messages that are on disk
  std::vector<Finished> finished_;
  std::vector<Finished> buried_;  // of `added_`
  std::map<std::string, std::int64_t> attempted_;
  std::map<std::pair<std::string, std::string>, bool> told_;
  std::vector<Forgotten> forgotten_;
  std::optional<SavedAt> saved_;
  WallTime at_;
};

}  // namespace sidewatch
