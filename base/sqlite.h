// The seam of SQLite: connections, each used by one thread at a time, whose failures are values that say what can be
// done. SqliteDatabase is for a file of ours, SqliteReader for one of somebody else's.
//
// Exactly one SqliteDatabase may ever be open on a file: all SQLite versions before 3.51.3 can corrupt a WAL database
// when one connection checkpoints while another commits. `exclusive` makes SQLite itself refuse a second one. A
// SqliteReader does neither, so any number of them may be open beside whoever owns the file.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace sidewatch {

// What kind of failure the last call met: each needs another answer.
enum class SqliteFailure {
  none,
  full,            // no space left, or over max_page_count: free some, or keep the data in memory
  io,              // reading, writing or fsync failed: the connection must be closed and everything read again
  corrupt,         // the file is damaged: save what can be read
  not_a_database,  // the file is something else
  busy,            // another connection has it
  read_only,
  cannot_open,
  interrupted,     // by the reader's `stop`
  denied,          // a reader refuses everything that does more than read
  too_large,       // a text or blob over the reader's limit
  needs_recovery,  // a transaction was left half done: only who may write can open the file
  other,           // a mistake of ours: a constraint, a wrong statement
};

class SqliteStatement {
 public:
  SqliteStatement() = default;
  SqliteStatement(SqliteStatement&& other) noexcept;
  SqliteStatement& operator=(SqliteStatement&& other) noexcept;
  ~SqliteStatement();

  // Parameters are numbered from 1. The text is copied.
  SqliteStatement& bind(int index, std::int64_t value);
  SqliteStatement& bind(int index, std::string_view value);
  SqliteStatement& bind_blob(int index, std::string_view value);

  // True: a row stands ready; false: done. Afterwards `reset` before the next use.
  Result<bool> step();
  // Steps a statement without rows to its end and resets it.
  Result<void> run();
  void reset();

  // Of the present row; columns are numbered from 0. The view lasts until the next step or reset.
  std::int64_t integer(int column) const;
  std::string_view bytes(int column) const;
  bool is_null(int column) const;
  // A number with a point, which as text would lose digits; nothing for every other kind of value.
  std::optional<double> real(int column) const;

  int columns() const;
  std::string_view name(int column) const;

 private:
  friend class SqliteDatabase;
  friend class SqliteReader;
  explicit SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}
  sqlite3_stmt* statement_ = nullptr;
};

class SqliteDatabase {
 public:
  // Opens or creates `path` (":memory:" for none) without following a symbolic link. Nothing is read yet: what is
  // wrong with the content shows at the first statement.
  static Result<SqliteDatabase> open(const std::string& path);

  SqliteDatabase(SqliteDatabase&&) noexcept;
  SqliteDatabase& operator=(SqliteDatabase&&) noexcept;
  ~SqliteDatabase();  // every statement must be gone

  // Closes without the checkpoint that SQLite does when the last connection goes: after a failed fsync, say.
  void close_as_it_is();

  Result<void> execute(const std::string& sql);  // one or more statements without parameters
  Result<SqliteStatement> prepare(std::string_view sql);
  Result<std::int64_t> read_integer(std::string_view sql);  // the first column of the first row; 0 without a row

  // Of the last call: ask before making another.
  SqliteFailure failure() const;

  // Frames in the write-ahead log after the last commit; 0 in other modes. SQLite folds them into the file by itself
  // only when the connection closes: the owner runs `PRAGMA wal_checkpoint` when there are many.
  int wal_frames() const;

 private:
  struct State;
  explicit SqliteDatabase(std::unique_ptr<State> state);
  Error error() const;
  std::unique_ptr<State> state_;
};

// A connection to somebody else's file that leaves no trace: it opens nothing for writing and creates no file (not even
// the log or the index of a database in WAL mode, so these must be there), folds no log back, rolls no journal back,
// and takes no lock but the shared one of a reader. It holds that one while a statement stands on a row, and in WAL
// mode until it is closed, where it keeps others from removing the log: close it soon.
//
// POSIX gives all locks of a process on a file back when the process closes *any* descriptor of that file. Whoever has
// one closes it after the reader.
class SqliteReader {
 public:
  static constexpr std::chrono::milliseconds longest_wait_for_lock{200};
  static constexpr int max_value_bytes = 1 << 20;

  // `path` may lead over symbolic links. `failure` is set where there is no connection.
  static Result<SqliteReader> open(const std::string& path, SqliteFailure& failure);

  SqliteReader(SqliteReader&&) noexcept;
  SqliteReader& operator=(SqliteReader&&) noexcept;
  ~SqliteReader();  // every statement must be gone

  // Asked every thousand steps or so of whatever runs, which ends as `interrupted` when it is true.
  void stop_when(std::function<bool()> stop);

  // One statement that does nothing but read. `failure` as below.
  Result<SqliteStatement> prepare(std::string_view sql);

  // Of the last call: ask before making another.
  SqliteFailure failure() const;

  static std::uint32_t library_version();  // 3.40.1 is 34001

 private:
  struct State;
  explicit SqliteReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sidewatch
