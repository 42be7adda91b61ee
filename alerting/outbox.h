// What must not be forgotten: the alert states and the messages that they caused, on disk, in one transaction.
//
// Owned and used by one thread (the loop). Holds no opinion about order, retries or merging: that is the Dispatcher's.
//
// What is promised. A commit that returns success survives kill -9 and power loss (where it does not ask for less). A commit that returns an Error is
// not lost either: it is kept in memory and goes to disk as soon as that is possible (`degraded` meanwhile), so that
// alerts go on being sent while the disk is full; it is lost only if the process ends before that. Damage is never
// silent: rows that cannot be read are put aside and counted, and rows that vanished with a damaged log are noticed
// (see the essay in outbox.cpp) and reported in `Loaded::warnings`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alerting/notification.h"
#include "alerting/state_row.h"
#include "base/result.h"
#include "base/time.h"

namespace sidewatch {

// When the agent last saved, on all the clocks there are; so that a restarted one can tell how long it was away.
struct SavedAt {
  Time time;
  Duration wall_step{};
  BootPosition boot;
};

// Why a message left the queue.
enum class Outcome {
  delivered,
  rejected,  // to the dead letters
  dropped,   // by a bound: to the dead letters
  merged,    // into a later message of the same incident
  pointless, // a resolved message whose incident was never told
  discarded, // by a person's hand: nothing of it is kept
};

struct Finished {
  std::string id;
  Outcome outcome = Outcome::delivered;
  std::string why;  // of the dead letters
};

// Written before an attempt, with that one in it: what comes of it the process may not live to see.
struct Attempted {
  std::string id;
  std::int64_t attempts = 0;  // of which it is not known that they were taken
};

// An incident that a receiver has heard of, and so must hear the end of.
struct Told {
  std::string receiver;
  std::string incident;
  bool told = true;  // false: forget it
};

// A dead letter that is one no more: it waits again (then it is in `add`, too), or nobody wants it.
struct Forgotten {
  std::int64_t number = 0;  // DeadLetter::number
  std::string id;
};

// What a commit survives when it returns.
enum class Survives {
  power_cut,  // it is synced
  kill,       // it is with the kernel; a power cut may take it, until the next commit that is synced
};

struct Transaction {
  std::vector<StateRow> states;
  std::vector<Notification> add;  // to the end of the queue, in this order; ids are unique
  std::vector<Notification> changed;  // in their old places, under their old ids
  std::vector<Finished> finished;
  std::vector<Attempted> attempted;
  std::vector<Told> told;
  std::vector<Forgotten> forgotten;
  std::optional<SavedAt> saved;
  WallTime at;  // of dead letters
  Survives survives = Survives::power_cut;

  bool empty() const;
};

struct Pending {
  Notification notification;
  std::int64_t attempts = 0;
};

struct DeadLetter {
  Notification notification;
  std::string why;
  WallTime at;
  std::int64_t attempts = 0;
  std::int64_t number = 0;  // where it lies; 0: not on disk yet, so that nothing can be done with it
};

struct Loaded {
  std::vector<StateRow> states;
  std::vector<Pending> pending;  // in the order in which they were added
  std::vector<Told> told;
  std::optional<SavedAt> saved;
  std::vector<std::string> warnings;  // sentences about what is missing or damaged; for the log
};

struct OutboxLimits {
  std::int64_t max_bytes = std::int64_t{256} << 20;     // of the database file
  std::int64_t ballast_bytes = std::int64_t{1} << 20;   // given free when the disk is full
  std::int64_t max_dead_letters = 1'000;                // the newest are kept
  std::int64_t max_told = 100'000;                      // incidents; the oldest are forgotten first
  std::int64_t max_quarantined = 1'000;                 // unreadable rows kept for inspection
  int checkpoint_frames = 256;                          // of 4 KiB in the write-ahead log, then it is folded in
};

struct OutboxStatistics {
  bool durable = false;       // there is a state directory
  bool degraded = false;      // the last commit is in memory only
  std::string last_failure;   // why; stays after recovery
  std::int64_t commits = 0;   // since the start, that reached the disk
  std::int64_t failed_commits = 0;
  std::int64_t reopened = 0;  // connections given up because the disk failed
  std::int64_t quarantined = 0;
  std::int64_t missing = 0;   // messages that a damaged log took away
  std::int64_t ballast_freed = 0;
};

class Outbox {
 public:
  // Opens or creates `directory`/outbox.db. Refuses, with the path in the Error: a directory that another agent uses
  // ("locked by pid N"), that cannot be written, a file that is not ours or of a newer version. Nothing is deleted.
  static Result<Outbox> open(const std::string& directory, const OutboxLimits& limits = {});

  // Moves what `open` refuses (outbox.db and its log) aside, to outbox.db.aside-N; gives the new name.
  static Result<std::string> move_aside(const std::string& directory);

  // The same without a disk: everything ends with the process.
  static Outbox in_memory(const OutboxLimits& limits = {});

  Outbox(Outbox&&) noexcept;
  Outbox& operator=(Outbox&&) noexcept;
  ~Outbox();

  // What the database holds. Once, after opening. Unreadable rows are put aside and counted.
  Result<Loaded> load();

  // All of it or, after a crash, nothing of it. An empty transaction does nothing, unless degraded: then it tries to
  // write what is still in memory (otherwise every 16th commit does).
  Result<void> commit(const Transaction& transaction);

  // The newest first.
  std::vector<DeadLetter> dead_letters(std::size_t limit) const;
  std::size_t dead_letter_count() const;

  const OutboxStatistics& statistics() const;

 private:
  struct State;
  explicit Outbox(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sidewatch
