// The dead letters in the outbox's database: messages that will not be delivered unless somebody says so, kept for people
// to look at. The newest stay, up to a bound.
#include "alerting/outbox_store.h"

#include <algorithm>
#include <utility>

#include "base/json.h"

namespace sidewatch {

Result<void> OutboxStore::bury(SqliteStatement& statement, const Finished& finished, WallTime at) {
  if (finished.outcome != Outcome::rejected && finished.outcome != Outcome::dropped) return {};
  std::int64_t count = dead_letter_count();
  statement.bind(1, finished.id).bind(2, at.time_since_epoch().count()).bind(3, finished.why);
  const auto buried = count_rows(statement);
  if (!buried) return buried.error();
  count += *buried;
  if (count > limits_.max_dead_letters) {
    auto trim = database_.prepare("DELETE FROM dead WHERE number IN (SELECT number FROM dead ORDER BY number LIMIT ?1)");
    if (!trim) return failed(trim.error());
    trim->bind(1, count - limits_.max_dead_letters);
    if (auto done = run(*trim); !done) return done;
    count = limits_.max_dead_letters;
  }
  dead_letter_count_ = count;
  return {};
}

// A number may have been given anew, and the same may be written twice (see outbox.cpp): so the message is looked at.
Result<void> OutboxStore::forget(const std::vector<Forgotten>& forgotten) {
  if (forgotten.empty()) return {};
  dead_letter_count_.reset();
  auto remove = database_.prepare("DELETE FROM dead WHERE number = ?1 AND instr(body, ?2) > 0");
  if (!remove) return failed(remove.error());
  for (const auto& [number, id] : forgotten) {
    remove->bind(1, number).bind(2, "\"id\":" + json_quoted(id));
    if (auto done = run(*remove); !done) return done;
  }
  return {};
}

std::vector<DeadLetter> OutboxStore::dead_letters(std::size_t limit, const std::vector<Forgotten>& but) {
  std::vector<DeadLetter> letters;
  auto select = database_.prepare("SELECT at, attempts, why, body, number FROM dead ORDER BY number DESC");
  if (!select) return letters;
  for (auto row = select->step(); letters.size() < limit && row && *row; row = select->step()) {
    auto notification = decode_notification(select->bytes(3));
    const std::int64_t number = select->integer(4);
    const bool gone = std::any_of(but.begin(), but.end(), [&](const Forgotten& each) { return each.number == number; });
    if (!notification || gone) continue;
    letters.push_back({std::move(*notification), std::string(select->bytes(2)), WallTime(Duration(select->integer(0))),
                       select->integer(1), number});
  }
  return letters;
}

// Asked once a second and nearly always what it was: to have SQLite read the question costs more than all the rules.
std::int64_t OutboxStore::dead_letter_count() {
  if (dead_letter_count_) return *dead_letter_count_;
  auto select = database_.prepare("SELECT count(*) FROM dead");
  if (!select) return 0;
  const auto row = select->step();
  if (!row || !*row) return 0;
  dead_letter_count_ = select->integer(0);
  return *dead_letter_count_;
}

}  // namespace sidewatch
