// What a start finds in the state directory: the rows, whether the account says that some are missing, and what to do with a
// file that is damaged. The essay in outbox.cpp says why it can be told.
#include <filesystem>
#include <utility>

#include "alerting/outbox_state.h"

namespace sidewatch {
namespace {

std::string count_of(std::int64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string are_missing(std::int64_t messages) {
  return count_of(messages, "message") + (messages == 1 ? " is missing" : " are missing");
}

}  // namespace

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
    for (const char* name : {outbox_database_name, outbox_log_name}) {
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

Result<std::string> rename_database(const std::string& directory, const std::string& suffix) {
  namespace fs = std::filesystem;
  std::error_code problem;
  for (int number = 1;; ++number) {
    const std::string name = directory + outbox_database_name + suffix + std::to_string(number);
    if (fs::exists(fs::symlink_status(name, problem))) continue;
    fs::rename(directory + outbox_database_name, name, problem);
    if (problem) return Error{"cannot be renamed: " + problem.message(), directory + outbox_database_name};
    fs::rename(directory + outbox_log_name, name + "-wal", problem);  // there may be none
    return name;
  }
}

}  // namespace sidewatch
