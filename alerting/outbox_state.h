// The inside of the outbox: what it holds open and what is done with it; see outbox.h.
//
// outbox.cpp has what the dispatcher calls and what is done when the disk fails, outbox_recovery.cpp what a start finds.
// Included by these alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "alerting/outbox.h"
#include "alerting/outbox_backlog.h"
#include "alerting/outbox_files.h"
#include "alerting/outbox_store.h"

namespace sidewatch {

inline constexpr const char* outbox_database_name = "/outbox.db";
inline constexpr const char* outbox_log_name = "/outbox.db-wal";

// Renames the database and its log together, so that both can still be opened under the new name, which it gives.
Result<std::string> rename_database(const std::string& directory, const std::string& suffix);

struct Outbox::State {
  std::string directory;  // empty: in memory
  OutboxLimits limits;
  FileHandle lock;
  std::optional<OutboxStore> store;  // nothing while the disk cannot be used
  Ledger ledger;                     // as last committed
  Backlog backlog;
  std::int64_t joined = 0;           // commits since the backlog began
  bool in_doubt = false;             // a commit failed after which the disk may hold it or not
  Ballast ballast;
  HighWaterFile high_water;
  OutboxStatistics statistics;

  std::string database_path() const { return directory.empty() ? ":memory:" : directory + outbox_database_name; }

  Result<void> open_store();
  Result<void> reopen();
  void give_up_connection();
  Result<void> salvage(Loaded& loaded);
  Result<void> write_anew(StoreContent content, Loaded& loaded);
  void take_content(StoreContent content, Loaded& loaded);
  HighWater read_high_water(Loaded& loaded) const;
  void compare_with_high_water(const Ledger* read, Loaded& loaded);
  void balance(const StoreContent& content, Loaded& loaded);
  Result<void> write(const Transaction& transaction);
  Result<void> write_or_mend(const Transaction& transaction);
  void after_write(bool added);
  Error note_failure(const Error& error);
};

}  // namespace sidewatch
