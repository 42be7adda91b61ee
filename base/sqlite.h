// The seam of SQLite: one connection, used by one thread, whose failures are values that say what can be done.
//
// Exactly one connection may ever be open on a file: all SQLite versions before 3.51.3 can corrupt a WAL database when
// one connection checkpoints while another commits. `exclusive` makes SQLite itself refuse a second one.
#pragma once

#include <cstdint>
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

 private:
  friend class SqliteDatabase;
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

}  // namespace sidewatch
