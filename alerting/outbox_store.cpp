#include "alerting/outbox_store.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/crypto.h"

namespace sidewatch {
namespace {

constexpr std::int64_t application_id = 0x53574F42;  // "SWOB"
constexpr std::int64_t format_version = 1;
constexpr std::int64_t page_bytes = 4096;

// Every table has a number as its key, so that all can be read (and, when damaged, read from both ends) in one way.
constexpr const char* schema = R"(
CREATE TABLE ledger(number INTEGER PRIMARY KEY, commits INTEGER, last_number INTEGER, finished INTEGER,
                    saved INTEGER, wall_step INTEGER, boot_id TEXT, boot_time INTEGER, checksum INTEGER);
CREATE TABLE state(number INTEGER PRIMARY KEY, key TEXT UNIQUE, blob BLOB, checksum INTEGER);
CREATE TABLE queue(number INTEGER PRIMARY KEY, id TEXT UNIQUE, attempts INTEGER, body TEXT, checksum INTEGER);
CREATE TABLE told(number INTEGER PRIMARY KEY, receiver TEXT, incident TEXT, UNIQUE(receiver, incident));
CREATE TABLE dead(number INTEGER PRIMARY KEY, at INTEGER, attempts INTEGER, why TEXT, body TEXT);
CREATE TABLE quarantine(number INTEGER PRIMARY KEY, at INTEGER, source TEXT, content BLOB);
)";

std::int64_t checksum(std::string_view a, std::string_view b = {}) {
  std::string text = std::to_string(a.size()) + ":";
  text.append(a).append(b);
  const std::string digest = sha256(text);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8 | static_cast<unsigned char>(digest[i]);
  return static_cast<std::int64_t>(value);
}

std::int64_t queue_checksum(std::int64_t number, std::string_view body) {
  return checksum(std::to_string(number), body);
}

std::string ledger_text(const Ledger& ledger) {
  std::string text = std::to_string(ledger.commits) + " " + std::to_string(ledger.last_number) + " " +
                     std::to_string(ledger.finished);
  if (ledger.saved) {
    text += " " + std::to_string(to_ms(ledger.saved->time)) + " " + std::to_string(ledger.saved->wall_step.count()) +
            " " + std::to_string(ledger.saved->boot.boot_time_ms) + " " + ledger.saved->boot.boot_id;
  }
  return text;
}

// For as long as it lives, a commit is not synced where it need not be; the next one that is takes it along.
class SyncedLater {
 public:
  SyncedLater(SqliteDatabase& database, Survives survives) : database_(survives == Survives::kill ? &database : nullptr) {
    if (database_ != nullptr) static_cast<void>(database_->execute("PRAGMA synchronous=NORMAL"));
  }
  ~SyncedLater() {
    if (database_ != nullptr) static_cast<void>(database_->execute("PRAGMA synchronous=FULL"));
  }
  SyncedLater(const SyncedLater&) = delete;
  SyncedLater& operator=(const SyncedLater&) = delete;

 private:
  SqliteDatabase* database_;
};

std::int64_t to_ms(WallTime time) { return time.time_since_epoch().count(); }

}  // namespace

OutboxStore::OutboxStore(SqliteDatabase database, const OutboxLimits& limits)
    : database_(std::move(database)), limits_(limits) {}

Result<OutboxStore> OutboxStore::open(const std::string& path, const OutboxLimits& limits, SqliteFailure& failure) {
  failure = SqliteFailure::cannot_open;
  auto database = SqliteDatabase::open(path);
  if (!database) return database.error();
  const auto fail = [&](Error error) {
    failure = database->failure();
    return Error{std::move(error.what), path};
  };
  // EXCLUSIVE before WAL: no shared-memory file, and SQLite itself refuses any second connection.
  const std::string pragmas = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=FULL; PRAGMA cache_size=-256;"
                              "PRAGMA temp_store=MEMORY; PRAGMA max_page_count=" +
                              std::to_string(std::max<std::int64_t>(limits.max_bytes / page_bytes, 16));
  if (auto done = database->execute(pragmas); !done) return fail(done.error());
  const auto id = database->read_integer("PRAGMA application_id");
  if (!id) return fail(id.error());
  const auto version = database->read_integer("PRAGMA user_version");
  if (!version) return fail(version.error());
  const auto tables = database->read_integer("SELECT count(*) FROM sqlite_schema");
  if (!tables) return fail(tables.error());

  failure = SqliteFailure::none;
  const bool empty = *tables == 0 && *id == 0 && *version == 0;
  if (!empty && *id != application_id) {
    return Error{"is a database of another program, not sidewatch's outbox", path};
  }
  if (*version > format_version) {
    return Error{"was written by a newer sidewatch (format " + std::to_string(*version) + ", this one knows " +
                     std::to_string(format_version) + ")", path};
  }
  if (auto done = database->execute("PRAGMA journal_mode=WAL"); !done) return fail(done.error());
  if (empty) {
    const std::string create = "BEGIN IMMEDIATE;" + std::string(schema) + "PRAGMA application_id=" +
                               std::to_string(application_id) + "; PRAGMA user_version=" +
                               std::to_string(format_version) + "; COMMIT";
    if (auto done = database->execute(create); !done) return fail(done.error());
  }
  return OutboxStore(std::move(*database), limits);
}

Error OutboxStore::failed(Error error) {
  last_failure_ = database_.failure();
  return error;
}

Result<void> OutboxStore::run(SqliteStatement& statement) {
  if (auto done = statement.run(); !done) return failed(done.error());
  return {};
}

// Of a statement that RETURNS a row for each that it changed.
Result<std::int64_t> OutboxStore::count_rows(SqliteStatement& statement) {
  std::int64_t count = 0;
  auto row = statement.step();
  for (; row && *row; row = statement.step()) ++count;
  statement.reset();
  if (!row) return failed(row.error());
  return count;
}

Result<void> OutboxStore::write(const Transaction& transaction, Ledger& ledger) {
  Ledger next = ledger;
  ++next.commits;
  if (transaction.saved) next.saved = transaction.saved;
  const SyncedLater unsynced(database_, transaction.survives);
  if (auto begun = database_.execute("BEGIN IMMEDIATE"); !begun) return failed(begun.error());
  auto done = write_rows(transaction, next);
  if (done) {
    done = database_.execute("COMMIT");
    if (!done) failed(done.error());
  }
  if (!done) {
    const Error why = done.error();
    dead_letter_count_.reset();
    // After some failures SQLite has already rolled back: then this fails, and nothing is open either way.
    static_cast<void>(database_.execute("ROLLBACK"));
    return why;
  }
  ledger = next;
  return {};
}

Result<void> OutboxStore::write_rows(const Transaction& transaction, Ledger& next) {
  if (auto done = write_states(transaction.states); !done) return done;
  if (auto done = add(transaction.add, next); !done) return done;
  if (auto done = change(transaction.changed); !done) return done;
  if (auto done = forget(transaction.forgotten); !done) return done;
  if (auto done = finish(transaction, next); !done) return done;
  if (auto done = write_told(transaction.told); !done) return done;
  return write_ledger(next);
}

Result<void> OutboxStore::write_states(const std::vector<StateRow>& states) {
  if (states.empty()) return {};
  auto put = database_.prepare(
      "INSERT INTO state(key, blob, checksum) VALUES(?1, ?2, ?3) "
      "ON CONFLICT(key) DO UPDATE SET blob = excluded.blob, checksum = excluded.checksum");
  if (!put) return failed(put.error());
  auto erase = database_.prepare("DELETE FROM state WHERE key = ?1");
  if (!erase) return failed(erase.error());
  for (const auto& [key, blob] : states) {
    SqliteStatement& statement = blob.empty() ? *erase : *put;
    statement.bind(1, key);
    if (!blob.empty()) statement.bind_blob(2, blob).bind(3, checksum(key, blob));
    if (auto done = run(statement); !done) return done;
  }
  return {};
}

Result<void> OutboxStore::add(const std::vector<Notification>& added, Ledger& next) {
  if (added.empty()) return {};
  // What is there already stays: after a failed sync the same may be written twice.
  auto insert = database_.prepare(
      "INSERT INTO queue(number, id, attempts, body, checksum) VALUES(?1, ?2, 0, ?3, ?4) "
      "ON CONFLICT(id) DO NOTHING RETURNING 1");
  if (!insert) return failed(insert.error());
  for (const auto& notification : added) {
    const std::string body = encode(notification);
    const std::int64_t number = next.last_number + 1;
    insert->bind(1, number).bind(2, notification.id).bind(3, body).bind(4, queue_checksum(number, body));
    const auto inserted = count_rows(*insert);
    if (!inserted) return inserted.error();
    next.last_number += *inserted;
  }
  return {};
}

Result<void> OutboxStore::change(const std::vector<Notification>& changed) {
  if (changed.empty()) return {};
  auto find = database_.prepare("SELECT number FROM queue WHERE id = ?1");
  if (!find) return failed(find.error());
  auto update = database_.prepare("UPDATE queue SET body = ?2, checksum = ?3 WHERE number = ?1");
  if (!update) return failed(update.error());
  for (const auto& notification : changed) {
    const auto row = find->bind(1, notification.id).step();
    const std::int64_t number = row && *row ? find->integer(0) : 0;
    find->reset();
    if (!row) return failed(row.error());
    const std::string body = encode(notification);
    update->bind(1, number).bind(2, body).bind(3, queue_checksum(number, body));
    if (auto done = run(*update); !done) return done;
  }
  return {};
}

Result<void> OutboxStore::finish(const Transaction& transaction, Ledger& next) {
  if (!transaction.attempted.empty()) {
    auto update = database_.prepare("UPDATE queue SET attempts = ?2 WHERE id = ?1");
    if (!update) return failed(update.error());
    for (const auto& [id, attempts] : transaction.attempted) {
      update->bind(1, id).bind(2, attempts);
      if (auto done = run(*update); !done) return done;
    }
  }
  if (transaction.finished.empty()) return {};
  auto bury_statement = database_.prepare(
      "INSERT INTO dead(at, attempts, why, body) SELECT ?2, attempts, ?3, body FROM queue WHERE id = ?1 RETURNING 1");
  if (!bury_statement) return failed(bury_statement.error());
  auto remove = database_.prepare("DELETE FROM queue WHERE id = ?1 RETURNING 1");
  if (!remove) return failed(remove.error());
  for (const auto& finished : transaction.finished) {
    if (auto done = bury(*bury_statement, finished, transaction.at); !done) return done;
    remove->bind(1, finished.id);
    const auto removed = count_rows(*remove);
    if (!removed) return removed.error();
    next.finished += *removed;
  }
  return {};
}

Result<void> OutboxStore::write_told(const std::vector<Told>& told) {
  if (told.empty()) return {};
  auto put = database_.prepare("INSERT INTO told(receiver, incident) VALUES(?1, ?2) ON CONFLICT DO NOTHING");
  if (!put) return failed(put.error());
  auto erase = database_.prepare("DELETE FROM told WHERE receiver = ?1 AND incident = ?2");
  if (!erase) return failed(erase.error());
  for (const auto& entry : told) {
    SqliteStatement& statement = entry.told ? *put : *erase;
    statement.bind(1, entry.receiver).bind(2, entry.incident);
    if (auto done = run(statement); !done) return done;
  }
  // By count, not by number: an incident may stay open for very long.
  auto trim = database_.prepare(
      "DELETE FROM told WHERE number IN (SELECT number FROM told ORDER BY number DESC LIMIT -1 OFFSET ?1)");
  if (!trim) return failed(trim.error());
  trim->bind(1, limits_.max_told);
  return run(*trim);
}

Result<void> OutboxStore::write_ledger(const Ledger& ledger) {
  auto put = database_.prepare("INSERT OR REPLACE INTO ledger VALUES(1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
  if (!put) return failed(put.error());
  put->bind(1, ledger.commits).bind(2, ledger.last_number).bind(3, ledger.finished);
  if (ledger.saved) {
    put->bind(4, to_ms(ledger.saved->time)).bind(5, std::int64_t{ledger.saved->wall_step.count()});
    put->bind(6, ledger.saved->boot.boot_id).bind(7, ledger.saved->boot.boot_time_ms);
  }
  put->bind(8, checksum(ledger_text(ledger)));
  return run(*put);
}

Result<void> OutboxStore::correct_ledger(const Ledger& ledger) {
  return write_ledger(ledger);  // a transaction of its own
}

Result<Ledger> OutboxStore::read_ledger() {
  auto select = database_.prepare(
      "SELECT commits, last_number, finished, saved, wall_step, boot_id, boot_time, checksum FROM ledger "
      "WHERE number = 1");
  if (!select) return failed(select.error());
  const auto row = select->step();
  if (!row) return failed(row.error());
  Ledger ledger;
  if (!*row) return ledger;
  ledger.commits = select->integer(0);
  ledger.last_number = select->integer(1);
  ledger.finished = select->integer(2);
  if (!select->is_null(3)) {
    SavedAt saved{time_at_ms(select->integer(3)), Duration(select->integer(4)), {}};
    saved.boot = {std::string(select->bytes(5)), select->integer(6)};
    ledger.saved = saved;
  }
  if (select->integer(7) != checksum(ledger_text(ledger))) {
    last_failure_ = SqliteFailure::none;
    return Error{"the account of the queue is damaged", ""};
  }
  return ledger;
}

// Rows in the order of their numbers. When the file is damaged somewhere, what lies behind is read from the other end.
template <class Visit>
void OutboxStore::visit_rows(const char* table, const char* columns, const char* key, StoreContent& content,
                             Visit visit) {
  std::set<std::int64_t> seen;
  for (const char* direction : {"ASC", "DESC"}) {
    auto select = database_.prepare(std::string("SELECT ") + columns + " FROM " + table + " ORDER BY " + key + " " +
                                    direction);
    if (!select) {
      failed(select.error());
      content.broke_off = true;
      return;
    }
    for (;;) {
      const auto row = select->step();
      if (!row) {
        failed(row.error());
        content.broke_off = true;
        break;
      }
      if (!*row) return;
      if (!seen.insert(select->integer(0)).second) return;  // from the other end: met what was already read
      visit(*select);
    }
  }
}

void OutboxStore::quarantine(const char* table, std::int64_t number, std::string_view content, WallTime now) {
  auto put = database_.prepare("INSERT INTO quarantine(at, source, content) VALUES(?1, ?2, ?3)");
  auto remove = database_.prepare(std::string("DELETE FROM ") + table + " WHERE number = ?1");
  auto trim = database_.prepare("DELETE FROM quarantine WHERE number <= (SELECT max(number) FROM quarantine) - ?1");
  if (!put || !remove || !trim) return;
  put->bind(1, to_ms(now)).bind(2, std::string(table) + " " + std::to_string(number)).bind_blob(3, content);
  remove->bind(1, number);
  trim->bind(1, limits_.max_quarantined);
  if (!database_.execute("BEGIN IMMEDIATE")) return;
  const bool done = put->run() && remove->run() && trim->run();
  if (!database_.execute(done ? "COMMIT" : "ROLLBACK")) return;  // on a full disk it stays where it is, and is left out
}

StoreContent OutboxStore::read_everything(bool set_aside, WallTime now) {
  StoreContent content;
  struct Bad {
    const char* table;
    std::int64_t number;
    std::string bytes;
  };
  std::vector<Bad> bad;
  visit_rows("state", "number, key, blob, checksum", "number", content, [&](SqliteStatement& row) {
    if (checksum(row.bytes(1), row.bytes(2)) == row.integer(3)) {
      content.states.push_back({std::string(row.bytes(1)), std::string(row.bytes(2))});
    } else {
      bad.push_back({"state", row.integer(0), std::string(row.bytes(2))});
    }
  });
  std::vector<std::pair<std::int64_t, Pending>> pending;
  visit_rows("queue", "number, attempts, body, checksum", "number", content, [&](SqliteStatement& row) {
    ++content.queue_rows;
    auto decoded = decode_notification(row.bytes(2));
    if (decoded && queue_checksum(row.integer(0), row.bytes(2)) == row.integer(3)) {
      pending.push_back({row.integer(0), {std::move(*decoded), std::max<std::int64_t>(row.integer(1), 0)}});
    } else {
      bad.push_back({"queue", row.integer(0), std::string(row.bytes(2))});
    }
  });
  std::sort(pending.begin(), pending.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [number, entry] : pending) content.pending.push_back(std::move(entry));
  visit_rows("told", "number, receiver, incident", "number", content, [&](SqliteStatement& row) {
    content.told.push_back({std::string(row.bytes(1)), std::string(row.bytes(2)), true});
  });
  content.unreadable = static_cast<std::int64_t>(bad.size());
  if (set_aside && !content.broke_off) {
    for (const auto& row : bad) quarantine(row.table, row.number, row.bytes, now);
  }
  return content;
}

Result<void> OutboxStore::checkpoint_if_long() {
  if (database_.wal_frames() < limits_.checkpoint_frames) return {};
  return checkpoint();
}

Result<void> OutboxStore::checkpoint() {
  if (auto done = database_.execute("PRAGMA wal_checkpoint(TRUNCATE)"); !done) return failed(done.error());
  return {};
}

}  // namespace sidewatch
