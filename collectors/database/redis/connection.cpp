#include "collectors/database/redis/connection.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace sidewatch::database::redis {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

// "CONFIG GET", "PING": a command as people call it.
std::string name_of(Command command) {
  static constexpr std::string_view containers[] = {"ACL",     "CLIENT", "CLUSTER", "COMMANDLOG", "CONFIG",
                                                    "LATENCY", "MEMORY", "SENTINEL", "SLOWLOG"};
  std::string name(*command.begin());
  const bool container = std::find(std::begin(containers), std::end(containers), name) != std::end(containers);
  if (container && command.size() > 1) name.append(" ").append(command.begin()[1]);
  return name;
}

Failure denied(Command command, std::string_view user) {
  const std::string name = name_of(command);
  std::string granted = lower(name);
  std::replace(granted.begin(), granted.end(), ' ', '|');
  const std::string who(user.empty() ? "default" : user);
  return {FailureKind::denied,
          "the user " + who + " may not run " + name + ": allow it with ACL SETUSER " + who + " +" + granted, false};
}

}  // namespace

Failure failure_of(std::string_view error, Command command, std::string_view user) {
  const auto begins = [error](std::string_view prefix) { return error.starts_with(prefix); };
  const auto has = [error](std::string_view part) { return error.find(part) != std::string_view::npos; };
  if (begins("NOPERM") && has("key")) {
    return {FailureKind::denied, "the user " + std::string(user.empty() ? "default" : user) +
                                     " may not read this key: allow it with ACL SETUSER ... %R~PATTERN", false};
  }
  if (begins("NOPERM")) return denied(command, user);
  if (begins("NOAUTH")) {
    return {FailureKind::login_refused, "the server asks for a password: give password (and user) in the configuration",
            true};
  }
  if (begins("WRONGPASS") || has("invalid password")) {
    return {FailureKind::login_refused,
            "the server refuses the user " + std::string(user.empty() ? "default" : user) +
                ": wrong user or password, or the user is off", true};
  }
  if (has("AUTH <password> called without any password") || has("no password is set")) {
    return {FailureKind::login_refused,
            "the server has no password for its user default: take password out of the configuration, or set "
            "requirepass in the server's", true};
  }
  if (has("max number of clients")) {
    return {FailureKind::too_many_connections, "the server takes no more clients: maxclients is reached", true};
  }
  if (begins("DENIED") && has("protected mode")) {
    return {FailureKind::login_refused,
            "the server is in protected mode: it answers others than its own host only when it has a password", true};
  }
  if (has("unknown command") || has("unknown subcommand") || has("Unknown subcommand") ||
      has("Unknown sentinel subcommand")) {
    return {FailureKind::missing, "the server has no " + name_of(command), false};
  }
  if (begins("LOADING")) return {FailureKind::other, "the server is loading its data", false};
  if (begins("BUSY")) {
    return {FailureKind::other, "a script keeps the server busy: SCRIPT KILL ends one that has written nothing", false};
  }
  return {FailureKind::other, name_of(command) + " is answered with: " + printable(error), false};
}

Connection::Connection(std::unique_ptr<Stream> stream, const RedisConfig& config)
    : stream_(std::move(stream)), user_(config.user), timeout_(config.instance.timeout) {}

std::optional<Failure> Connection::open(const RedisConfig& config, Dialer& dialer, std::unique_ptr<Connection>& made) {
  const Deadline deadline(config.instance.timeout);
  std::unique_ptr<Stream> stream;
  if (auto failure = dialer.dial(deadline, stream)) return failure;
  std::unique_ptr<Connection> connection(new Connection(std::move(stream), config));
  if (auto failure = connection->log_in(config, deadline)) {
    failure->connection_lost = true;
    return failure;
  }
  made = std::move(connection);
  return std::nullopt;
}

std::optional<Failure> Connection::log_in(const RedisConfig& config, const Deadline& deadline) {
  if (!config.password.empty()) {
    const std::string password = config.password.reveal();
    if (password.empty()) {
      return Failure{FailureKind::login_refused, "the password is empty, or its file cannot be read", true};
    }
    auto failure = config.user.empty() ? exchange({"AUTH", password}, deadline)
                                       : exchange({"AUTH", config.user, password}, deadline);
    if (failure) return failure;
    if (reply_.kind == Reply::Kind::error) return failure_of(reply_.text, {"AUTH"}, user_);
  }
  // A stopped server takes connections too; only an answer proves it. What PING itself is answered matters as little as
  // whether a name for CLIENT LIST is taken, unless it tells that nobody is logged in.
  if (auto failure = exchange({"PING"}, deadline)) return failure;
  if (reply_.kind == Reply::Kind::error) {
    auto failure = failure_of(reply_.text, {"PING"}, user_);
    if (failure.connection_lost) return failure;
  }
  return exchange({"CLIENT", "SETNAME", "sidewatch"}, deadline);
}

std::optional<Failure> Connection::ask(Command command, const Reply*& reply) {
  if (auto failure = ask_for_any(command, reply)) return failure;
  if (reply_.kind == Reply::Kind::error) return failure_of(reply_.text, command, user_);
  return std::nullopt;
}

std::optional<Failure> Connection::ask_for_any(Command command, const Reply*& reply) {
  reply = &reply_;
  return exchange(command, Deadline(timeout_));
}

std::optional<Failure> Connection::exchange(Command command, const Deadline& deadline) {
  sent_.clear();
  append_command(sent_, command);
  // A server that takes no more clients says so and closes: what it said is still to be read.
  auto unsent = stream_->write(sent_, deadline);
  if (unsent && unsent->kind != FailureKind::lost) return unsent;
  reader_.begin(reply_);
  while (true) {
    std::string_view rest = received_;
    const auto state = reader_.take(rest);
    received_.erase(0, received_.size() - rest.size());
    switch (state) {
      case ReplyReader::State::complete: return std::nullopt;
      case ReplyReader::State::incomplete: break;
      case ReplyReader::State::malformed:
        return Failure{FailureKind::malformed, "the other side does not speak Redis' protocol: is this its port, and "
                                               "without TLS?", true};
      case ReplyReader::State::too_large:
        return Failure{FailureKind::too_large, "the answer to " + name_of(command) + " is too large", true};
    }
    if (auto failure = stream_->read(received_, deadline)) return failure;
  }
}

}  // namespace sidewatch::database::redis
