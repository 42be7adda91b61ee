// Where the questions to one database file are asked: on a thread that may be left behind when the file's filesystem
// hangs, so that the collector never waits longer than it wants to.
//
// A question that comes back late is not lost sight of: until it has come back, nothing else is asked.
#pragma once

#include <memory>
#include <string>

#include "base/errand.h"
#include "collectors/database/sql.h"
#include "collectors/database/sqlite/look.h"

namespace sidewatch::database::sqlite {

class Desk final : public SqlConnection {
 public:
  explicit Desk(const std::string& path);
  ~Desk() override;

  // Looks at the file from outside. `look()` is what was seen, until close().
  std::optional<Failure> look_again(Duration timeout);
  const Look& look() const;

  // For a file that look() calls readable: a connection is opened with the first question. Its flavour is "wal" or
  // "rollback". In rollback mode a question ends when a writer has waited for it for a tenth of a second.
  const ServerVersion& version() const override { return version_; }
  std::optional<Failure> query(std::string_view sql, const QueryLimits& limits, Rows& rows) override;

  // Ends the connection and gives the file free. To be called at the end of each pass: an open connection keeps others
  // from ending WAL mode.
  void close();

 private:
  struct State;
  enum class Task { look, query, close };
  bool send(Task task, Duration patience);

  const std::shared_ptr<State> state_;  // the errand's while it is under way
  std::shared_ptr<Errand> errand_;
  ErrandRunner runner_;
  ServerVersion version_;
};

// Ends whatever a reader does at `deadline`, or when a writer has waited for it too long.
class Patience {
 public:
  // `file`: of a database in rollback mode, whose writers wait for readers; null in WAL mode, where they do not.
  Patience(std::chrono::steady_clock::time_point deadline, std::shared_ptr<Descriptor> file)
      : deadline_(deadline), file_(std::move(file)) {}

  bool is_over();
  bool gave_way() const { return gave_way_; }  // to a writer

 private:
  std::chrono::steady_clock::time_point deadline_;
  std::shared_ptr<Descriptor> file_;
  std::optional<std::chrono::steady_clock::time_point> writer_waits_since_;
  bool gave_way_ = false;
};

}  // namespace sidewatch::database::sqlite
