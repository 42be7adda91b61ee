// The outbox's tables and the statements on them. What to do when a statement fails is the Outbox's business.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "alerting/outbox.h"
#include "base/result.h"
#include "base/sqlite.h"

namespace sidewatch {

// The account of the queue. Every message has a number, without gaps; each one that leaves is counted. So the rows
// that must be there are `last_number - finished`, whatever the rows themselves say.
struct Ledger {
  std::int64_t commits = 0;
  std::int64_t last_number = 0;
  std::int64_t finished = 0;
  std::optional<SavedAt> saved;
};

// Everything that could be read.
struct StoreContent {
  std::vector<StateRow> states;
  std::vector<Pending> pending;
  std::vector<Told> told;
  std::int64_t unreadable = 0;      // rows of any table
  std::int64_t queue_rows = 0;      // readable or not
  bool broke_off = false;           // the file is damaged so that not all rows could be visited
};

class OutboxStore {
 public:
  // `path` is ":memory:" or a file that exists (empty: the tables are made). Error without a failure (none): the
  // content is not ours or newer.
  static Result<OutboxStore> open(const std::string& path, const OutboxLimits& limits, SqliteFailure& failure);

  // In one transaction; `ledger` moves on only when it succeeds.
  Result<void> write(const Transaction& transaction, Ledger& ledger);

  Result<Ledger> read_ledger();
  // Puts unreadable rows aside (`set_aside`) or only leaves them out.
  StoreContent read_everything(bool set_aside, WallTime now);
  Result<void> correct_ledger(const Ledger& ledger);  // the account after what was lost

  // The newest first, without `but`.
  std::vector<DeadLetter> dead_letters(std::size_t limit, const std::vector<Forgotten>& but);
  std::int64_t dead_letter_count();

  // Folds the log into the file when it has grown, or now.
  Result<void> checkpoint_if_long();
  Result<void> checkpoint();

  SqliteFailure last_failure() const { return last_failure_; }  // of the last call that returned an Error
  void close_as_it_is() { database_.close_as_it_is(); }

 private:
  OutboxStore(SqliteDatabase database, const OutboxLimits& limits);
  Result<void> write_rows(const Transaction& transaction, Ledger& next);
  Result<void> write_states(const std::vector<StateRow>& states);
  Result<void> add(const std::vector<Notification>& added, Ledger& next);
  Result<void> change(const std::vector<Notification>& changed);
  Result<void> finish(const Transaction& transaction, Ledger& next);
  Result<void> bury(SqliteStatement& statement, const Finished& finished, WallTime at);
  Result<void> forget(const std::vector<Forgotten>& forgotten);
  Result<void> write_told(const std::vector<Told>& told);
  Result<void> write_ledger(const Ledger& ledger);
  Result<void> run(SqliteStatement& statement);
  Result<std::int64_t> count_rows(SqliteStatement& statement);
  Error failed(Error error);

  template <class Visit>
  void visit_rows(const char* table, const char* columns, const char* key, StoreContent& content, Visit visit);
  void quarantine(const char* table, std::int64_t number, std::string_view content, WallTime now);

  SqliteDatabase database_;
  OutboxLimits limits_;
  std::optional<std::int64_t> dead_letter_count_;  // absent: to be counted
  SqliteFailure last_failure_ = SqliteFailure::none;
};

}  // namespace sidewatch
