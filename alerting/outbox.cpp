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
#include <utility>

#include "alerting/outbox_state.h"

namespace sidewatch {
namespace {

// While degraded, every so many commits try to write everything that waits; the others only join it.
constexpr std::int64_t commits_per_try = 16;

constexpr const char* ballast_name = "/outbox.ballast";
constexpr const char* high_water_name = "/outbox.high-water";

}  // namespace

bool Transaction::empty() const {
  return states.empty() && add.empty() && changed.empty() && finished.empty() && attempted.empty() && told.empty() &&
         forgotten.empty() && !saved;
}

Outbox::Outbox(std::unique_ptr<State> state) : state_(std::move(state)) {}
Outbox::Outbox(Outbox&&) noexcept = default;
Outbox& Outbox::operator=(Outbox&&) noexcept = default;
Outbox::~Outbox() = default;

Result<Outbox> Outbox::open(const std::string& directory, const OutboxLimits& limits) {
  if (auto ready = prepare_directory(directory); !ready) return ready.error();
  auto lock = lock_directory(directory);
  if (!lock) return lock.error();
  if (auto ready = prepare_file(directory + outbox_database_name); !ready) return ready.error();

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
