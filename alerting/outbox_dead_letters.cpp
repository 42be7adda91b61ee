// The dead letters in the outbox's database: messages that will not be delivered, kept for people to look at. The newest
// stay, up to a bound.
#include "alerting/outbox_store.h"

#include <utility>

namespace sidewatch {

Result<void> OutboxStore::bury(SqliteStatement& statement, const Finished& finished, WallTime at) {
  if (finished.outcome != Outcome::rejected && finished.outcome != Outcome::dropped) return {};
  dead_letter_count_.reset();
  statement.bind(1, finished.id).bind(2, at.time_since_epoch().count()).bind(3, finished.why);
  if (auto done = run(statement); !done) return done;
  auto trim = database_.prepare("DELETE FROM dead WHERE number <= (SELECT max(number) FROM dead) - ?1");
  if (!trim) return failed(trim.error());
  trim->bind(1, limits_.max_dead_letters);
  return run(*trim);
}

std::vector<DeadLetter> OutboxStore::dead_letters(std::size_t limit) {
  std::vector<DeadLetter> letters;
  auto select = database_.prepare("SELECT at, attempts, why, body FROM dead ORDER BY number DESC LIMIT ?1");
  if (!select) return letters;
  select->bind(1, static_cast<std::int64_t>(limit));
  for (auto row = select->step(); row && *row; row = select->step()) {
    auto notification = decode_notification(select->bytes(3));
    if (!notification) continue;
    letters.push_back({std::move(*notification), std::string(select->bytes(2)), WallTime(Duration(select->integer(0))),
                       select->integer(1)});
  }
  return letters;
}

// Asked once a second and nearly always what it was: to have SQLite read the question costs more than all the rules.
std::int64_t OutboxStore::dead_letter_count() {
  if (dead_letter_count_) return *dead_letter_count_;
  // Numbers follow on each other and go from the oldest on, so there is no need to visit every row.
  auto select = database_.prepare(
      "SELECT ifnull((SELECT max(number) FROM dead) - (SELECT min(number) FROM dead) + 1, 0)");
  if (!select) return 0;
  const auto row = select->step();
  if (!row || !*row) return 0;
  dead_letter_count_ = select->integer(0);
  return *dead_letter_count_;
}

}  // namespace sidewatch
