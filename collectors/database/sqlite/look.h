// What can be seen of a database from outside: its files, and by whom they are locked. No lock is taken for it, nothing
// is written, and SQLite is not asked.
//
// SQLite's locks are POSIX advisory locks on certain bytes, and fcntl(F_GETLK) tells who stands in the way of one that
// is not asked for. In the database file: https://www.sqlite.org/lockingv3.html. In -shm, where those of WAL mode are:
// https://www.sqlite.org/walformat.html 2.2.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/descriptor.h"
#include "collectors/database/failure.h"
#include "collectors/database/sqlite/format.h"

namespace sidewatch::database::sqlite {

// Whether SQLite could read the database now without leaving a trace.
enum class Readable {
  yes,
  empty,      // nothing was ever written to it
  unused,     // in WAL mode nobody has it open: to read it, its log would have to be created
  denied,     // in WAL mode: its log or the index of it may not be read
  locked,     // somebody keeps everybody out
  half_done,  // a transaction was left half done by who died: whoever opens it must roll it back first
};

struct Look {
  std::optional<Failure> failure;  // nothing else is known then
  std::string path;                // without symbolic links
  ino_t inode = 0;
  // Whoever holds one of these keeps the others' locks in place: closing any descriptor of a file gives all locks of the
  // process on it back.
  std::shared_ptr<Descriptor> file;
  std::shared_ptr<Descriptor> shared_memory;  // the -shm; null where there is none
  Header header;                   // as it is in the file: in WAL mode a newer one may stand in the log
  Readable readable = Readable::empty;

  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> wal_bytes;
  std::uint64_t journal_bytes = 0;
  double changed_at = 0;  // Unix time: of the file or its log, the later one
  double filesystem_bytes = 0;
  double filesystem_available_bytes = 0;

  bool wal_in_use = false;  // somebody has it open in WAL mode; only then there is an index
  std::optional<WalIndex> index;
  bool log_allowed = false;  // to be read
  std::optional<WalHeader> log;

  pid_t writer = 0;  // who has the write lock; 0: nobody. Negative: somebody who is not seen from here
  bool checkpointing = false;
  bool writer_waits = false;  // for readers to end, and new ones are kept out meanwhile
  bool readers = false;       // in rollback mode: somebody reads right now
  std::array<bool, read_marks> slots{};  // of the index: which have readers
  double reader_wait_seconds = 0;        // how long a reader would have had to wait; not longer than a reader would
};

// One database file. Used by one thread at a time; any call may hang with its filesystem.
class WatchedFile {
 public:
  explicit WatchedFile(std::string path) : path_(std::move(path)) {}
  Look look();

 private:
  struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const Identity&) const = default;
  };
  struct Kept {
    Identity identity;
    std::weak_ptr<Descriptor> descriptor;
  };
  std::optional<Failure> open(Look& look);
  std::shared_ptr<Descriptor> open_again(Kept& kept, const std::string& path, const Identity& identity);

  const std::string path_;
  Kept file_;
  Kept shared_memory_;
  Identity not_ours_;  // known not to be a file that the agent itself has open
};

// Whether a writer waits at this moment for readers of `file` to end (in rollback mode).
bool writer_waits_for_readers(int file);

}  // namespace sidewatch::database::sqlite
