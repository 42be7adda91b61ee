#include "collectors/database/mysql/connection.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "collectors/database/deadline.h"
#include "collectors/database/mysql/server_error.h"
#include "collectors/database/mysql/value.h"
#include "collectors/database/mysql/wire.h"
#include "collectors/database/tls_key.h"

namespace sidewatch::database::mysql {
namespace {

Failure late() { return {FailureKind::timeout, "no answer from the server in time: it hangs, or the network to it does", true}; }

class Connection final : public SqlConnection {
 public:
  Connection(std::unique_ptr<Wire> wire, std::string user) : wire_(std::move(wire)), user_(std::move(user)) {}

  ~Connection() override {
    if (lost_) wire_->cut();  // what is told to a lost server must not wait for it
  }

  // What every session of ours is: its version known, nothing written, no lock waited for long.
  std::optional<Failure> prepare(Duration timeout, const Deadline& deadline) {
    QueryLimits limits;
    Rows rows;
    if (auto failure = run("SELECT VERSION()", limits, deadline, rows)) return failure;
    if (rows.size() != 1) return Failure{FailureKind::malformed, "the server does not tell its version", true};
    version_ = version_in(rows.cell(0, 0).value_or(""));
    for (const auto* statement :
         {"SET SESSION TRANSACTION READ ONLY", "SET SESSION lock_wait_timeout = 1", "SET SESSION time_zone = 'SYSTEM'"}) {
      if (auto failure = run(statement, limits, deadline, rows)) return failure;
    }
    if (version_.flavour == "mysql" && version_.number >= 80000) {
      // Else the sizes of tables are those of up to a day ago.
      auto failure = run("SET SESSION information_schema_stats_expiry = 0", limits, deadline, rows);
      if (failure && failure->connection_lost) return failure;
    }
    return tell_timeout(timeout, limits, deadline, rows);
  }

  const ServerVersion& version() const override { return version_; }

  std::optional<Failure> query(std::string_view sql, const QueryLimits& limits, Rows& rows) override {
    const Deadline deadline(limits.timeout);
    if (auto failure = tell_timeout(limits.timeout, limits, deadline, rows)) return failure;
    return run(sql, limits, deadline, rows);
  }

 private:
  Failure failed() {
    auto failure = query_failure(wire_->error_number(), wire_->error_text(), user_);
    lost_ = failure.connection_lost;
    return failure;
  }
  Failure too_late() {
    lost_ = true;
    return late();
  }
  std::optional<Failure> failure_of(Wire::End end) {
    switch (end) {
      case Wire::End::done: return std::nullopt;
      case Wire::End::failed: return failed();
      case Wire::End::late: break;
    }
    return too_late();
  }

  // A little less than our own patience: MariaDB has seconds with a fraction, MySQL milliseconds (for SELECT alone).
  std::optional<Failure> tell_timeout(Duration timeout, const QueryLimits& limits, const Deadline& deadline, Rows& rows) {
    const Duration wanted = std::max(timeout - std::min(timeout / 5, Duration(500)), Duration(1));
    if (wanted == told_) return std::nullopt;
    const auto ms = std::to_string(wanted.count());
    const std::string sql = version_.flavour == "mariadb"
                                ? "SET SESSION max_statement_time = " + ms + " / 1000"
                                : "SET SESSION max_execution_time = " + ms;
    auto failure = run(sql, limits, deadline, rows);
    if (failure && failure->connection_lost) return failure;
    told_ = wanted;  // a server before MySQL 5.7.8 knows no such setting: there our own deadline is the only one
    return std::nullopt;
  }

  std::optional<Failure> run(std::string_view sql, const QueryLimits& limits, const Deadline& deadline, Rows& rows) {
    if (auto failure = failure_of(wire_->ask(sql, deadline))) return failure;
    rows.begin(limits);
    auto failure = take_result(limits, deadline, rows);
    while (!(failure && failure->connection_lost) && wire_->has_more_answers()) {
      if (deadline.left() == Duration(0)) return too_late();
      if (auto trouble = drop_next_answer(deadline)) return trouble;
    }
    return failure;
  }

  std::optional<Failure> take_result(const QueryLimits& limits, const Deadline& deadline, Rows& rows) {
    if (!wire_->has_rows()) return std::nullopt;  // a statement without an answer
    if (!wire_->begin_rows()) return failed();
    rows.begin(limits);
    for (std::size_t i = 0; i < wire_->columns(); ++i) rows.add_column(wire_->column_name(i));
    auto failure = take_rows(limits, deadline, rows);
    // What was not read is read and let go, as long as the deadline lets it: the connection is still good then.
    if (wire_->let_go(deadline) == Wire::End::late) return too_late();
    return failure;
  }

  std::optional<Failure> take_rows(const QueryLimits& limits, const Deadline& deadline, Rows& rows) {
    while (true) {
      bool there = false;
      if (auto failure = failure_of(wire_->next_row(deadline, there))) return failure;
      if (!there) return std::nullopt;
      for (std::size_t i = 0; i < wire_->columns(); ++i) {
        if (!rows.add(wire_->cell(i))) return too_large(limits);
      }
    }
  }

  // The first answer of a procedure is what was asked for.
  std::optional<Failure> drop_next_answer(const Deadline& deadline) {
    if (auto failure = failure_of(wire_->next_answer(deadline))) return failure;
    if (!wire_->has_rows() || !wire_->begin_rows()) return std::nullopt;
    if (wire_->let_go(deadline) == Wire::End::late) return too_late();
    return std::nullopt;
  }

  const std::unique_ptr<Wire> wire_;
  const std::string user_;
  ServerVersion version_;
  Duration told_{0};  // the time for a statement that the server knows of
  bool lost_ = false;
};

bool wants_tls(const std::optional<TlsConfig>& tls) { return tls && tls->mode != TlsMode::off; }

struct Attempt {
  const ConnectionConfig& config;
  const std::string& password;
  const Deadline& deadline;
};

// `address`: of those that the name has; empty for a socket.
std::optional<Failure> try_one(const Attempt& attempt, const std::string& address, std::unique_ptr<SqlConnection>& made) {
  const auto& [config, password, deadline] = attempt;
  const std::string where = config.address.text();
  auto wire = Wire::make(config.tls);
  if (!wire) return Failure{FailureKind::other, "there is no memory for a connection", true};
  std::string name = config.tls ? config.tls->server_name : "";
  if (name.empty()) name = config.address.socket.empty() ? config.address.host : "localhost";
  const Wire::Login login{address, config.address.port, config.address.socket, config.user,
                          password, config.database,    config.tls,            name};
  switch (wire->log_in(login, deadline)) {
    case Wire::End::done: break;
    case Wire::End::failed: return connect_failure(wire->error_number(), wire->error_text(), where, config.user);
    case Wire::End::late:
      return Failure{FailureKind::timeout, where + " does not answer in time: the server hangs, or the network to it does",
                     true};
  }
  if (wants_tls(config.tls) && !wire->is_encrypted()) {
    return Failure{FailureKind::login_refused, where + ": TLS is asked for, and the server has none", true};
  }
  auto connection = std::make_unique<Connection>(std::move(wire), config.user);
  if (auto failure = connection->prepare(config.timeout, deadline)) {
    failure->text = where + ": " + failure->text;
    return failure;
  }
  made = std::move(connection);
  return std::nullopt;
}

}  // namespace

std::optional<Failure> Connector::connect(std::unique_ptr<SqlConnection>& made) {
  const Deadline deadline(config_.timeout);
  if (auto loaded = Wire::load(wants_tls(config_.tls)); !loaded) {
    return Failure{FailureKind::other, loaded.error().text(), false};
  }
  const std::string password = config_.password.reveal();
  if (password.empty() && !config_.password.empty()) {
    return Failure{FailureKind::login_refused, "the file with the password is empty or cannot be read", false};
  }
  if (wants_tls(config_.tls)) {
    if (auto failure = trouble_with_key(config_.tls->key)) return failure;
  }
  const Attempt attempt{config_, password, deadline};
  if (!config_.address.socket.empty()) return try_one(attempt, "", made);
  std::vector<std::string> addresses;
  if (auto failure = resolver_.resolve(config_.address.host, deadline.left(), addresses)) return failure;
  std::optional<Failure> failure;
  for (std::size_t i = 0; i < addresses.size(); ++i) {  // each for its share of the time that is left
    const Deadline share(deadline.left() / static_cast<long>(addresses.size() - i));
    failure = try_one(Attempt{config_, password, share}, addresses[i], made);
    if (!failure || (failure->kind != FailureKind::unreachable && failure->kind != FailureKind::timeout)) break;
  }
  return failure;
}

}  // namespace sidewatch::database::mysql
