#include "base/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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
    case SQLITE_INTERRUPT: return SqliteFailure::interrupted;
    case SQLITE_AUTH: return SqliteFailure::denied;
    case SQLITE_TOOBIG: return SqliteFailure::too_large;
    case SQLITE_READONLY:
      if (extended == SQLITE_READONLY_ROLLBACK || extended == SQLITE_READONLY_RECOVERY ||
          extended == SQLITE_READONLY_CANTINIT) {
        return SqliteFailure::needs_recovery;
      }
      return SqliteFailure::read_only;
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

std::optional<double> SqliteStatement::real(int column) const {
  if (sqlite3_column_type(statement_, column) != SQLITE_FLOAT) return std::nullopt;
  return sqlite3_column_double(statement_, column);
}

int SqliteStatement::columns() const { return sqlite3_column_count(statement_); }

std::string_view SqliteStatement::name(int column) const {
  const char* const name = sqlite3_column_name(statement_, column);
  return name != nullptr ? name : "";
}

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

namespace {

// SQLite's own way to files, less everything that makes, changes or removes one. Temporary files have no name, and are
// as they always are: a sort that is too large for memory goes there.
struct ReadingFiles {
  static sqlite3_vfs* real(sqlite3_vfs* self) { return static_cast<sqlite3_vfs*>(self->pAppData); }

  static int open(sqlite3_vfs* self, const char* name, sqlite3_file* file, int flags, int* out) {
    if (name != nullptr) {
      flags &= ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXCLUSIVE | SQLITE_OPEN_DELETEONCLOSE);
      flags |= SQLITE_OPEN_READONLY;
    }
    return real(self)->xOpen(real(self), name, file, flags, out);
  }
  static int remove(sqlite3_vfs*, const char*, int) { return SQLITE_IOERR_DELETE; }
  static int access(sqlite3_vfs* self, const char* name, int flags, int* out) {
    return real(self)->xAccess(real(self), name, flags, out);
  }
  static int full_path(sqlite3_vfs* self, const char* name, int size, char* out) {
    return real(self)->xFullPathname(real(self), name, size, out);
  }
  static int random(sqlite3_vfs* self, int size, char* out) { return real(self)->xRandomness(real(self), size, out); }
  static int sleep(sqlite3_vfs* self, int us) { return real(self)->xSleep(real(self), us); }
  static int time(sqlite3_vfs* self, double* now) { return real(self)->xCurrentTime(real(self), now); }
  static int time_ms(sqlite3_vfs* self, sqlite3_int64* now) { return real(self)->xCurrentTimeInt64(real(self), now); }
  static int last_error(sqlite3_vfs* self, int size, char* out) {
    return real(self)->xGetLastError(real(self), size, out);
  }

  // As root SQLite gives a log that it opens to the owner of the database. Not one that was opened to be read.
  static int change_owner(int file, uid_t user, gid_t group) {
    return (fcntl(file, F_GETFL) & O_ACCMODE) == O_RDONLY ? 0 : fchown(file, user, group);
  }

  static sqlite3_vfs make() {
    sqlite3_vfs* const original = sqlite3_vfs_find(nullptr);
    if (original->iVersion >= 3) {
      original->xSetSystemCall(original, "fchown", reinterpret_cast<sqlite3_syscall_ptr>(change_owner));
    }
    sqlite3_vfs files = {};  // without extensions
    files.iVersion = 2;
    files.szOsFile = original->szOsFile;
    files.mxPathname = original->mxPathname;
    files.zName = "sidewatch-reading";
    files.pAppData = original;
    files.xOpen = open;
    files.xDelete = remove;
    files.xAccess = access;
    files.xFullPathname = full_path;
    files.xRandomness = random;
    files.xSleep = sleep;
    files.xCurrentTime = time;
    files.xGetLastError = last_error;
    files.xCurrentTimeInt64 = time_ms;
    return files;
  }

  static const char* name() {
    static sqlite3_vfs files = make();
    static const int registered = sqlite3_vfs_register(&files, 0);
    return registered == SQLITE_OK ? files.zName : nullptr;
  }
};

// Pragmas that only tell; with a value, those of the second list, where it is a name.
constexpr std::array<std::string_view, 17> telling_pragmas{
    "application_id", "auto_vacuum",     "collation_list", "compile_options", "database_list", "encoding",
    "freelist_count", "function_list",   "integrity_check", "journal_mode",   "page_count",    "page_size",
    "quick_check",    "schema_version",  "table_list",     "user_version",    "foreign_key_check"};
constexpr std::array<std::string_view, 9> asking_pragmas{
    "foreign_key_check", "foreign_key_list", "index_info", "index_list", "index_xinfo",
    "integrity_check",   "quick_check",      "table_info", "table_xinfo"};

// What a statement may do beside reading the database, which no limit of the file itself prevents.
int permit(void*, int action, const char* what, const char* value, const char*, const char*) {
  constexpr std::array refused{SQLITE_ATTACH, SQLITE_DETACH, SQLITE_TRANSACTION, SQLITE_SAVEPOINT};
  if (std::find(refused.begin(), refused.end(), action) != refused.end()) return SQLITE_DENY;
  if (action != SQLITE_PRAGMA) return SQLITE_OK;
  const std::string_view name = what != nullptr ? what : "";
  const bool allowed = value == nullptr
                           ? std::find(telling_pragmas.begin(), telling_pragmas.end(), name) != telling_pragmas.end()
                           : std::find(asking_pragmas.begin(), asking_pragmas.end(), name) != asking_pragmas.end();
  return allowed ? SQLITE_OK : SQLITE_DENY;
}

std::string reading_uri(const std::string& path) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      uri += '%';
      uri += digits[static_cast<unsigned char>(c) >> 4];
      uri += digits[static_cast<unsigned char>(c) & 15];
    } else {
      uri += c;
    }
  }
  return uri + "?mode=ro&readonly_shm=1&cache=private";
}

void bind_hands(sqlite3* handle) {
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_LOOKASIDE, nullptr, 0, 0);  // it lives for one pass
  sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, SqliteReader::max_value_bytes);
  sqlite3_limit(handle, SQLITE_LIMIT_WORKER_THREADS, 0);
  sqlite3_busy_timeout(handle, static_cast<int>(SqliteReader::longest_wait_for_lock.count()));
  sqlite3_set_authorizer(handle, permit, nullptr);
}

}  // namespace

struct SqliteReader::State {
  sqlite3* handle = nullptr;
  std::function<bool()> stop;
  bool refused = false;  // by ours, not by SQLite

  ~State() { sqlite3_close_v2(handle); }

  static int ask(void* self) { return static_cast<State*>(self)->stop() ? 1 : 0; }
};

SqliteReader::SqliteReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqliteReader::SqliteReader(SqliteReader&&) noexcept = default;
SqliteReader& SqliteReader::operator=(SqliteReader&&) noexcept = default;
SqliteReader::~SqliteReader() = default;

Result<SqliteReader> SqliteReader::open(const std::string& path, SqliteFailure& failure) {
  auto state = std::make_unique<State>();
  const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                    SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(reading_uri(path).c_str(), &state->handle, flags, ReadingFiles::name());
  failure = classify(code);
  if (code != SQLITE_OK) return Error{state->handle != nullptr ? sqlite3_errmsg(state->handle) : "out of memory", path};
  bind_hands(state->handle);
  return SqliteReader(std::move(state));
}

void SqliteReader::stop_when(std::function<bool()> stop) {
  constexpr int steps = 1000;
  state_->stop = std::move(stop);
  sqlite3_progress_handler(state_->handle, steps, state_->stop ? State::ask : nullptr, state_.get());
}

Result<SqliteStatement> SqliteReader::prepare(std::string_view sql) {
  sqlite3_stmt* prepared = nullptr;
  const char* rest = nullptr;
  state_->refused = false;
  if (sqlite3_prepare_v3(state_->handle, sql.data(), static_cast<int>(sql.size()), 0, &prepared, &rest) != SQLITE_OK) {
    return Error{sqlite3_errmsg(state_->handle), ""};
  }
  SqliteStatement statement(prepared);
  sqlite3_stmt* second = nullptr;  // none, where only comments follow
  const auto tail = sql.substr(static_cast<std::size_t>(rest - sql.data()));
  const int more = sqlite3_prepare_v3(state_->handle, tail.data(), static_cast<int>(tail.size()), 0, &second, nullptr);
  const bool is_one = prepared != nullptr && second == nullptr && more == SQLITE_OK;
  state_->refused = !is_one || sqlite3_stmt_readonly(prepared) == 0;
  sqlite3_finalize(second);
  if (state_->refused) return Error{"not one statement that only reads", ""};
  return statement;
}

SqliteFailure SqliteReader::failure() const {
  return state_->refused ? SqliteFailure::denied : classify(sqlite3_extended_errcode(state_->handle));
}

std::uint32_t SqliteReader::library_version() {
  const auto number = static_cast<std::uint32_t>(sqlite3_libversion_number());  // 3040001
  return number / 1'000'000 * 10'000 + number / 1000 % 1000 * 100 + number % 1000;
}

}  // namespace sidewatch
