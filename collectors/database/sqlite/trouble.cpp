#include "collectors/database/sqlite/trouble.h"

namespace sidewatch::database::sqlite {

Failure failure_of(SqliteFailure kind, const std::string& text) {
  switch (kind) {
    case SqliteFailure::busy:
      return {FailureKind::locked, "it was locked by somebody else for longer than a reader waits (200ms)", false};
    case SqliteFailure::corrupt: return {FailureKind::malformed, "the database is damaged: " + text, false};
    case SqliteFailure::not_a_database:
      return {FailureKind::malformed, "it is not an SQLite database, or it is encrypted", false};
    case SqliteFailure::needs_recovery:
      return {FailureKind::locked, "a transaction was left half done; the next program that writes rolls it back",
              false};
    case SqliteFailure::denied: return {FailureKind::denied, "refused: " + text, false};
    case SqliteFailure::read_only: return {FailureKind::denied, "only what reads is allowed: " + text, false};
    case SqliteFailure::too_large:
      return {FailureKind::too_large, "a value is larger than 1 MiB: " + text, false};
    case SqliteFailure::cannot_open: return {FailureKind::unreachable, "it could not be opened: " + text, false};
    case SqliteFailure::io: return {FailureKind::lost, "it could not be read: " + text, false};
    case SqliteFailure::interrupted: return {FailureKind::timeout, text, false};
    case SqliteFailure::none:
    case SqliteFailure::full:
    case SqliteFailure::other: break;
  }
  return {text.starts_with("no such ") ? FailureKind::missing : FailureKind::other, text, false};
}

Failure took_too_long(Duration timeout) {
  return {FailureKind::timeout, "it took longer than " + std::to_string(timeout.count()) + "ms", false};
}

Failure gave_way() {
  return {FailureKind::locked, "it was given up for a program that waited to write", false};
}

Failure too_many_rows(const QueryLimits& limits) {
  return {FailureKind::too_large,
          "more than " + std::to_string(limits.max_rows) + " rows, or than " + std::to_string(limits.max_bytes) +
              " bytes: the rest is left out",
          false};
}

Failure does_not_answer() { return {FailureKind::timeout, "the filesystem of the file does not answer", true}; }

std::optional<Failure> trouble_with(const Look& look) {
  switch (look.readable) {
    case Readable::yes:
    case Readable::empty:
    case Readable::unused: return std::nullopt;
    case Readable::denied:
      return Failure{FailureKind::denied,
                     look.path + "-wal and " + look.path +
                         "-shm may not be read, so what is in the log is not seen: allow the agent's user to read them",
                     false};
    case Readable::locked:
      return Failure{FailureKind::locked, look.path + " is locked against all readers", false};
    case Readable::half_done:
      return Failure{FailureKind::locked,
                     look.path + " has a transaction that was left half done: the program that wrote it ended in the "
                                 "middle of it. The next program that writes rolls it back",
                     false};
  }
  return std::nullopt;
}

}  // namespace sidewatch::database::sqlite
