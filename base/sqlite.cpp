#include "base/sqlite.h"

#include <sqlite3.h>

#include <utility>

namespace sidewatch {
namespace {

SqliteFailure classify(int extended) {
  switch (extended & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return SqliteFailure::none;
    case SQLITE_FULL: return SqliteFailure::full;
    case SQLITE_IOERR: return SqliteFailure::io;
    case SQLITE_CORRUPT: return SqliteFailure::corrupt;
    case SQLITE_NOTADB: return SqliteFailure::not_a_database;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return SqliteFailure::busy;
    case SQLITE_READONLY:
    case SQLITE_PERM: return SqliteFailure::read_only;
    case SQLITE_CANTOPEN: return SqliteFailure::cannot_open;
    default: return SqliteFailure::other;
  }
}

}  // namespace

SqliteStatement::SqliteStatement(SqliteStatement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)) {}

SqliteStatement& SqliteStatement::operator=(SqliteStatement&& other) noexcept {
  std::swap(statement_, other.statement_);
  return *this;
}

SqliteStatement::~SqliteStatement() { sqlite3_finalize(statement_); }

SqliteStatement& SqliteStatement::bind(int index, std::int64_t value) {
  sqlite3_bind_int64(statement_, index, value);
  return *this;
}

SqliteStatement& SqliteStatement::bind(int index, std::string_view value) {
  const char* text = value.data() != nullptr ? value.data() : "";  // a null pointer would bind NULL
  sqlite3_bind_text64(statement_, index, text, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

SqliteStatement& SqliteStatement::bind_blob(int index, std::string_view value) {
  const char* data = value.data() != nullptr ? value.data() : "";
  sqlite3_bind_blob64(statement_, index, data, value.size(), SQLITE_TRANSIENT);
  return *this;
}

Result<bool> SqliteStatement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return Error{sqlite3_errmsg(sqlite3_db_handle(statement_)), ""};
}

Result<void> SqliteStatement::run() {
  for (;;) {
    const auto row = step();
    if (row && *row) continue;
    reset();
    if (!row) return row.error();
    return {};
  }
}

void SqliteStatement::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

std::int64_t SqliteStatement::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string_view SqliteStatement::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  if (data == nullptr) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

bool SqliteStatement::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

struct SqliteDatabase::State {
  sqlite3* handle = nullptr;
  int wal_frames = 0;

  ~State() { sqlite3_close_v2(handle); }

  static int on_commit(void* self, sqlite3*, const char*, int frames) {
    static_cast<State*>(self)->wal_frames = frames;
    return SQLITE_OK;
  }
};

SqliteDatabase::SqliteDatabase(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqliteDatabase::SqliteDatabase(SqliteDatabase&&) noexcept = default;
SqliteDatabase& SqliteDatabase::operator=(SqliteDatabase&&) noexcept = default;
SqliteDatabase::~SqliteDatabase() = default;

Result<SqliteDatabase> SqliteDatabase::open(const std::string& path) {
  auto state = std::make_unique<State>();
  // NOMUTEX: one thread uses it.
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
                    SQLITE_OPEN_EXRESCODE;
  if (sqlite3_open_v2(path.c_str(), &state->handle, flags, nullptr) != SQLITE_OK) {
    return Error{state->handle != nullptr ? sqlite3_errmsg(state->handle) : "out of memory", path};
  }
  sqlite3_db_config(state->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  // This takes the place of SQLite's own checkpoints; `PRAGMA wal_autocheckpoint` would take the hook's place again.
  sqlite3_wal_hook(state->handle, State::on_commit, state.get());
  return SqliteDatabase(std::move(state));
}

void SqliteDatabase::close_as_it_is() {
  sqlite3_db_config(state_->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_close_v2(state_->handle);
  state_->handle = nullptr;
}

Error SqliteDatabase::error() const { return {sqlite3_errmsg(state_->handle), ""}; }

Result<void> SqliteDatabase::execute(const std::string& sql) {
  if (sqlite3_exec(state_->handle, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return error();
  return {};
}

Result<SqliteStatement> SqliteDatabase::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(state_->handle, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return error();
  return SqliteStatement(statement);
}

Result<std::int64_t> SqliteDatabase::read_integer(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  const auto row = statement->step();
  if (!row) return row.error();
  return *row ? statement->integer(0) : 0;
}

SqliteFailure SqliteDatabase::failure() const {
  return state_->handle == nullptr ? SqliteFailure::none : classify(sqlite3_extended_errcode(state_->handle));
}

int SqliteDatabase::wal_frames() const { return state_->wal_frames; }

}  // namespace sidewatch
