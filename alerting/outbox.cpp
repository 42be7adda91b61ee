// How a message survives.
//
// One SQLite database in write-ahead mode with synchronous=FULL: each commit is synced before it counts. NORMAL would
// be twenty times faster and would lose the last commits when the power goes: alerts that people were promised. At
// some commits per second the difference is not felt. Only that an attempt begins is written with NORMAL (Survives::kill):
// nobody is to wait for the disk before the message goes. The log is folded into the file (checkpoint) on this same thread
// and only when it has grown, and no second connection is ever allowed.
//
// What can go wrong, and the answer:
// - The disk is full. Even deleting a row writes to the log, so sent messages could not be marked. A file of
//   reserved space (the ballast) is given free and the commit tried again. When that is used up too, commits are folded
//   together in memory (degraded) and brought to disk later: at every 16th commit, or when an empty one asks for it.
// - fsync fails. The kernel may have thrown the data away and report success next time, so nothing that this connection
//   believes can be trusted: it is closed, opened and read again, a checkpoint copies everything into the database
//   file, past the log whose sync failed, and the same is written once more, which changes nothing if it was there.
// - The file is damaged. Each row carries a checksum; a row that does not match it is moved to the table `quarantine`. A
//   file whose structure is broken is kept beside under another name, and what could be read of it goes into a new one.
// - The log is damaged. SQLite then ignores it from the damaged frame on and finds nothing wrong. But messages are
//   numbered without gaps and the ledger counts those that left, so the rows that must be there are known; and a mark
//   outside the database (high-water) knows how many there had been. What is missing is counted and said.
// - The file is not ours, or newer, or a directory: an Error that names it. Nothing is deleted.
#include "alerting/outbox.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "alerting/outbox_backlog.h"
#include "alerting/outbox_files.h"
#include "alerting/outbox_store.h"

namespace sidewatch {
namespace {

// While degraded, every so many commits try to write everything that waits; the others only join it.
constexpr std::int64_t commits_per_try = 16;

constexpr const char* database_name = "/outbox.db";
constexpr const char* log_name = "/outbox.db-wal";
constexpr const char* ballast_name = "/outbox.ballast";
constexpr const char* high_water_name = "/outbox.high-water";

std::string count_of(std::int64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string are_missing(std::int64_t messages) {
  return count_of(messages, "message") + (messages == 1 ? " is missing" : " are missing");
}

// Renames the database and its log together, so that both can still be opened under the new name.
Result<std::string> rename_database(const std::string& directory, const std::string& suffix) {
  namespace fs = std::filesystem;
  std::error_code problem;
  for (int number = 1;; ++number) {
    const std::string name = directory + database_name + suffix + std::to_string(number);
    if (fs::exists(fs::symlink_status(name, problem))) continue;
    fs::rename(directory + database_name, name, problem);
    if (problem) return Error{"cannot be renamed: " + problem.message(), directory + database_name};
    fs::rename(directory + log_name, name + "-wal", problem);  // there may be none
    return name;
  }
}

}  // namespace

bool Transaction::empty() const {
  return states.empty() && add.empty() && changed.empty() && finished.empty() && attempted.empty() && told.empty() &&
         forgotten.empty() && !saved;
}

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

  std::string database_path() const { return directory.empty() ? ":memory:" : directory + database_name; }

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

Outbox::Outbox(std::unique_ptr<State> state) : state_(std::move(state)) {}
Outbox::Outbox(Outbox&&) noexcept = default;
Outbox& Outbox::operator=(Outbox&&) noexcept = default;
Outbox::~Outbox() = default;

Result<Outbox> Outbox::open(const std::string& directory, const OutboxLimits& limits) {
  if (auto ready = prepare_directory(directory); !ready) return ready.error();
  auto lock = lock_directory(directory);
  if (!lock) return lock.error();
  if (auto ready = prepare_file(directory + database_name); !ready) return ready.error();

  auto state = std::make_unique<State>();
  state->directory = directory;
  state->limits = limits;
  state->lock = std::move(*lock);
  state->ballast = Ballast(directory + ballast_name, limits.ballast_bytes);
  state->high_water = HighWaterFile(directory + high_water_name);
  state->statistics.durable = true;
  state->ballast.restore();
  if (auto opened = state->open_store(); !opened) return opened.error();
  return Outbox(std::move(state));
}

Outbox Outbox::in_memory(const OutboxLimits& limits) {
  auto state = std::make_unique<State>();
  state->limits = limits;
  // Cannot fail but for lack of memory; commits then stay in the backlog, which is memory too.
  if (auto opened = state->open_store(); !opened) state->statistics.last_failure = opened.error().text();
  return Outbox(std::move(state));
}

Result<std::string> Outbox::move_aside(const std::string& directory) {
  auto lock = lock_directory(directory);
  if (!lock) return lock.error();
  auto name = rename_database(directory, ".aside-");
  // The mark belongs to the database that went: a new one starts from nothing, and misses nothing.
  if (name) std::rename((directory + high_water_name).c_str(), (*name + ".high-water").c_str());
  return name;
}

Result<void> Outbox::State::open_store() {
  SqliteFailure failure = SqliteFailure::none;
  auto opened = OutboxStore::open(database_path(), limits, failure);
  if (!opened && failure == SqliteFailure::full && ballast.free()) {
    ++statistics.ballast_freed;
    opened = OutboxStore::open(database_path(), limits, failure);
  }
  if (opened) {
    store.emplace(std::move(*opened));
    return {};
  }
  Error error = opened.error();
  if (failure == SqliteFailure::not_a_database || failure == SqliteFailure::corrupt) {
    error.what = "is not a database that can be read (" + error.what + "); nothing was changed: move it away to start " +
                 "anew";
  } else if (failure == SqliteFailure::busy) {
    error.what = "is in use by another program (" + error.what + ")";
  }
  return error;
}

Result<Loaded> Outbox::load() {
  State& s = *state_;
  Loaded loaded;
  if (!s.store) return loaded;
  const auto ledger = s.store->read_ledger();
  if (ledger) s.ledger = *ledger;
  const WallTime about_now = s.ledger.saved ? to_wall(s.ledger.saved->time, {}) : WallTime();
  StoreContent content = s.store->read_everything(true, about_now);
  if (content.broke_off) {
    // SQLite calls a sector that cannot be read damage of the file. It is the disk's, and the file must stay.
    for (const char* name : {database_name, log_name}) {
      if (auto whole = read_through(s.directory + name); !whole) return whole.error();
    }
    if (auto saved = s.salvage(loaded); !saved) return saved.error();
    return loaded;
  }
  s.compare_with_high_water(ledger ? &*ledger : nullptr, loaded);
  if (ledger) s.balance(content, loaded);
  if (content.unreadable > 0) {
    s.statistics.quarantined += content.unreadable;
    loaded.warnings.push_back(count_of(content.unreadable, "row") +
                              " of the outbox could not be read and went to its table quarantine");
  }
  s.ledger.finished = s.ledger.last_number - static_cast<std::int64_t>(content.pending.size());
  s.take_content(std::move(content), loaded);
  const bool same = ledger && ledger->commits == s.ledger.commits && ledger->last_number == s.ledger.last_number &&
                    ledger->finished == s.ledger.finished;
  if (same) return loaded;
  if (auto corrected = s.store->correct_ledger(s.ledger); !corrected) {
    loaded.warnings.push_back(s.note_failure(corrected.error()).text());
  }
  return loaded;
}

void Outbox::State::take_content(StoreContent content, Loaded& loaded) {
  loaded.states = std::move(content.states);
  loaded.pending = std::move(content.pending);
  loaded.told = std::move(content.told);
  loaded.saved = ledger.saved;
}

// Zeros when there is none.
HighWater Outbox::State::read_high_water(Loaded& loaded) const {
  if (directory.empty()) return {};
  const auto mark = high_water.read();
  if (mark) return *mark;
  loaded.warnings.push_back(mark.error().text() + ": whether the outbox is complete cannot be told this time");
  return {};
}

// When the mark outside the database remembers more than the database, its log lost its end.
void Outbox::State::compare_with_high_water(const Ledger* read, Loaded& loaded) {
  const HighWater mark = read_high_water(loaded);
  if (read == nullptr) {
    loaded.warnings.push_back(
        "the outbox's account is damaged and is made anew: whether messages are missing is unknown");
    ledger.commits = mark.commits;
    ledger.last_number = mark.last_number;
    return;
  }
  if (mark.commits <= ledger.commits) return;
  const std::int64_t messages = std::max<std::int64_t>(mark.last_number - ledger.last_number, 0);
  statistics.missing += messages;
  loaded.warnings.push_back(are_missing(messages) + ": the last " + count_of(mark.commits - ledger.commits, "commit") +
                            " of the outbox did not survive (its log is damaged, or an old copy was put back)");
  // Numbers go on behind the lost ones, so that no number is used twice.
  ledger.finished += messages;
  ledger.last_number += messages;
  ledger.commits = mark.commits;
}

// Rows that the ledger knows and that are not there.
void Outbox::State::balance(const StoreContent& content, Loaded& loaded) {
  const std::int64_t missing = ledger.last_number - ledger.finished - content.queue_rows;
  if (missing <= 0) return;
  statistics.missing += missing;
  loaded.warnings.push_back(are_missing(missing) + " from the outbox's queue");
}

// Reads what the damaged file still gives and starts a new one with it.
Result<void> Outbox::State::salvage(Loaded& loaded) {
  const auto read = store->read_ledger();
  StoreContent content = store->read_everything(false, {});
  give_up_connection();
  const auto kept_as = rename_database(directory, ".damaged-");
  if (!kept_as) return kept_as.error();
  if (auto ready = prepare_file(database_path()); !ready) return ready.error();
  if (auto opened = open_store(); !opened) return opened;

  loaded.warnings.push_back("outbox.db is damaged: " +
                            count_of(static_cast<std::int64_t>(content.pending.size()), "waiting message") + " and " +
                            count_of(static_cast<std::int64_t>(content.states.size()), "alert state") +
                            " could be read and are kept; the damaged file is now " + *kept_as);
  compare_with_high_water(read ? &*read : nullptr, loaded);
  if (read) {
    content.queue_rows = static_cast<std::int64_t>(content.pending.size());
    balance(content, loaded);
  }
  statistics.quarantined += content.unreadable;
  return write_anew(std::move(content), loaded);
}

Result<void> Outbox::State::write_anew(StoreContent content, Loaded& loaded) {
  Transaction kept;
  kept.states = content.states;
  kept.told = content.told;
  for (const auto& entry : content.pending) {
    kept.add.push_back(entry.notification);
    if (entry.attempts > 0) kept.attempted.push_back({entry.notification.id, entry.attempts});
  }
  kept.saved = ledger.saved;
  take_content(std::move(content), loaded);
  ledger.finished = ledger.last_number;  // the kept ones get new numbers
  if (auto written = store->write(kept, ledger); !written) {
    backlog.append(kept, static_cast<std::size_t>(limits.max_dead_letters), false);
    loaded.warnings.push_back(note_failure(written.error()).text());
    return {};
  }
  after_write(true);
  return {};
}

Error Outbox::State::note_failure(const Error& error) {
  ++statistics.failed_commits;
  statistics.degraded = true;
  const Error placed{error.what, error.where.empty() ? database_path() : error.where};
  statistics.last_failure = placed.text();
  return placed;
}

Result<void> Outbox::commit(const Transaction& transaction) {
  State& s = *state_;
  const auto max_dead = static_cast<std::size_t>(s.limits.max_dead_letters);
  if (s.backlog.empty()) {
    if (transaction.empty()) return {};
    if (auto done = s.write_or_mend(transaction); !done) {
      s.backlog.append(transaction, max_dead, s.in_doubt);
      return s.note_failure(done.error());
    }
    s.statistics.degraded = false;
    s.after_write(!transaction.add.empty());
    return {};
  }
  s.backlog.append(transaction, max_dead, s.in_doubt);
  if (!transaction.empty() && ++s.joined % commits_per_try != 0) return Error{s.statistics.last_failure, ""};
  const Transaction all = s.backlog.as_transaction();
  if (auto done = s.write_or_mend(all); !done) return s.note_failure(done.error());
  s.backlog.clear();
  s.joined = 0;
  s.statistics.degraded = false;
  s.after_write(!all.add.empty());
  return {};
}

Result<void> Outbox::State::write(const Transaction& transaction) {
  auto done = store->write(transaction, ledger);
  if (!done && store->last_failure() == SqliteFailure::full && ballast.free()) {
    ++statistics.ballast_freed;
    done = store->write(transaction, ledger);
  }
  return done;
}

// A connection that met anything but a full disk is given up, and one attempt made with a new one. Whether the failed
// commit got to the disk does not matter: writing the same once more changes nothing.
Result<void> Outbox::State::write_or_mend(const Transaction& transaction) {
  if (store) {
    auto done = write(transaction);
    if (done || directory.empty() || store->last_failure() == SqliteFailure::full) return done;
    in_doubt = true;
  } else if (directory.empty()) {
    return Error{"there is no memory for the outbox", ""};
  }
  if (auto opened = reopen(); !opened) return opened;
  auto done = write(transaction);
  if (done) {
    in_doubt = false;
  } else if (store->last_failure() != SqliteFailure::full) {
    give_up_connection();
  }
  return done;
}

void Outbox::State::give_up_connection() {
  if (store) store->close_as_it_is();
  store.reset();
}

Result<void> Outbox::State::reopen() {
  give_up_connection();
  ++statistics.reopened;
  if (auto opened = open_store(); !opened) return opened;
  // Into the database file itself: the log may hold pages that the kernel calls written and that are not.
  auto mended = store->checkpoint();
  const auto read = mended ? store->read_ledger() : Result<Ledger>(mended.error());
  if (!read) {
    give_up_connection();
    return read.error();
  }
  ledger = *read;
  return {};
}

void Outbox::State::after_write(bool added) {
  ++statistics.commits;
  if (directory.empty()) return;
  if (auto folded = store->checkpoint_if_long(); !folded) {
    statistics.last_failure = folded.error().text();
    // A failed sync while folding: the next commit starts with a new connection.
    if (store->last_failure() == SqliteFailure::io) return give_up_connection();
  }
  ballast.restore();
  // With every new message, not now and then: it is one small sync per alert, and then no loss is overlooked.
  if (!added) return;
  if (auto marked = high_water.write({ledger.commits, ledger.last_number}); !marked) {
    statistics.last_failure = marked.error().text();
  }
}

std::vector<DeadLetter> Outbox::dead_letters(std::size_t limit) const {
  auto letters = state_->backlog.dead_letters();
  if (letters.size() < limit && state_->store) {
    auto stored = state_->store->dead_letters(limit - letters.size(), state_->backlog.forgotten());
    letters.insert(letters.end(), std::make_move_iterator(stored.begin()), std::make_move_iterator(stored.end()));
  }
  if (letters.size() > limit) letters.resize(limit);
  return letters;
}

std::size_t Outbox::dead_letter_count() const {
  const std::int64_t stored = state_->store ? state_->store->dead_letter_count() : 0;
  const auto here = std::ssize(state_->backlog.forgotten());
  return state_->backlog.dead_letter_count() + static_cast<std::size_t>(std::max<std::int64_t>(stored - here, 0));
}

const OutboxStatistics& Outbox::statistics() const { return state_->statistics; }

}  // namespace sidewatch
