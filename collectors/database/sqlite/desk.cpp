#include "collectors/database/sqlite/desk.h"

#include <array>
#include <charconv>
#include <utility>

#include "base/sqlite.h"
#include "collectors/database/sqlite/trouble.h"

namespace sidewatch::database::sqlite {
namespace {

using namespace std::chrono_literals;
using SteadyTime = std::chrono::steady_clock::time_point;

// Beyond the deadline of a query: SQLite ends it by itself unless it waits for the disk.
constexpr Duration grace = 500ms;
constexpr Duration close_patience = 500ms;
constexpr auto writers_patience = 100ms;

// False when the rows are full.
bool add_row(const SqliteStatement& statement, int columns, Rows& rows) {
  std::array<char, 32> digits{};
  for (int i = 0; i < columns; ++i) {
    bool fits = true;
    if (statement.is_null(i)) {
      fits = rows.add(std::nullopt);
    } else if (const auto real = statement.real(i)) {
      const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), *real);
      fits = rows.add(std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
    } else {
      fits = rows.add(statement.bytes(i));
    }
    if (!fits) return false;
  }
  return true;
}

}  // namespace

struct Desk::State {
  explicit State(const std::string& path) : file(path) {}

  WatchedFile file;
  Look look;
  std::optional<SqliteReader> reader;
  Task task = Task::look;
  std::string sql;
  QueryLimits limits;
  Rows rows;
  std::optional<Failure> failure;

  void run() {
    switch (task) {
      case Task::look:
        leave();  // where a late question left it open
        look = file.look();
        return;
      case Task::query: failure = ask(); return;
      case Task::close: leave(); return;
    }
  }

  // The connection first: closing the file takes its locks away.
  void leave() {
    reader.reset();
    look.file.reset();
    look.shared_memory.reset();
  }

  std::optional<Failure> ask() {
    Patience patience(std::chrono::steady_clock::now() + limits.timeout, look.header.wal ? nullptr : look.file);
    rows.begin(limits);
    if (!reader) {
      SqliteFailure kind = SqliteFailure::none;
      auto opened = SqliteReader::open(look.path, kind);
      if (!opened) return failure_of(kind, opened.error().what);
      reader.emplace(std::move(*opened));
    }
    reader->stop_when([&patience] { return patience.is_over(); });
    auto answer = read(patience);
    reader->stop_when(nullptr);
    return answer;
  }

  std::optional<Failure> read(const Patience& patience) {
    auto statement = reader->prepare(sql);
    if (!statement) return failure_of(reader->failure(), statement.error().what);
    const int columns = statement->columns();
    rows.begin(limits);
    for (int i = 0; i < statement->columns(); ++i) rows.add_column(statement->name(i));
    while (true) {
      const auto row = statement->step();
      if (!row && reader->failure() == SqliteFailure::interrupted) {
        return patience.gave_way() ? gave_way() : took_too_long(limits.timeout);
      }
      if (!row) return failure_of(reader->failure(), row.error().what);
      if (!*row) return std::nullopt;
      if (!add_row(*statement, columns, rows)) return too_many_rows(limits);
    }
  }
};

Desk::Desk(const std::string& path)
    : state_(std::make_shared<State>(path)), errand_(std::make_shared<Errand>([state = state_] { state->run(); })) {
  version_.number = SqliteReader::library_version();
}

Desk::~Desk() = default;

bool Desk::send(Task task, Duration patience) {
  if (errand_->under_way) return false;
  state_->task = task;
  return runner_.send(errand_, patience) == ErrandRunner::Outcome::done;
}

std::optional<Failure> Desk::look_again(Duration timeout) {
  if (!send(Task::look, timeout)) return does_not_answer();
  version_.flavour = state_->look.header.wal ? "wal" : "rollback";
  return state_->look.failure;
}

const Look& Desk::look() const { return state_->look; }

std::optional<Failure> Desk::query(std::string_view sql, const QueryLimits& limits, Rows& rows) {
  if (errand_->under_way) return does_not_answer();
  state_->sql = sql;
  state_->limits = limits;
  std::swap(state_->rows, rows);  // its memory is used again
  const bool done = send(Task::query, limits.timeout + grace);
  if (!done) {
    rows = Rows();
    return does_not_answer();
  }
  std::swap(state_->rows, rows);
  return std::move(state_->failure);
}

void Desk::close() { send(Task::close, close_patience); }

bool Patience::is_over() {
  const auto now = std::chrono::steady_clock::now();
  if (now >= deadline_) return true;
  if (!file_) return false;
  if (!writer_waits_for_readers(file_->get())) {
    writer_waits_since_.reset();
    return false;
  }
  if (!writer_waits_since_) writer_waits_since_ = now;
  gave_way_ = now - *writer_waits_since_ >= writers_patience;
  return gave_way_;
}

}  // namespace sidewatch::database::sqlite
