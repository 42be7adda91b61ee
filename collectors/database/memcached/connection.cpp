#include "collectors/database/memcached/connection.h"

#include <algorithm>
#include <utility>

namespace sidewatch::database::memcached {
namespace {

constexpr std::size_t longest_answer = std::size_t{1} << 20;  // 64 slab classes tell less than 100 KiB
constexpr std::size_t longest_quote = 200;
constexpr std::string_view end_of_stats = "END\r\n";

Failure nonsense() {
  return {FailureKind::malformed, "the other side does not speak memcached's text protocol: is this its port, and "
                                  "without TLS?", true};
}

Failure failure_of(std::string_view line) {
  if (line.find("unauthenticated") != std::string_view::npos) {
    return {FailureKind::login_refused, "the server asks for a user and a password: give both in the configuration",
            true};
  }
  if (line.find("authentication failure") != std::string_view::npos) {
    return {FailureKind::login_refused, "the server refuses the user: wrong user or password", true};
  }
  if (line.find("oo many open connections") != std::string_view::npos) {
    return {FailureKind::too_many_connections, "the server takes no more connections: its limit (-c) is reached", true};
  }
  std::string words;
  for (const char c : line.substr(0, longest_quote)) words += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  return {FailureKind::other, "the server answers: " + words, true};
}

bool is_error(std::string_view line) {
  return line.starts_with("ERROR") || line.starts_with("CLIENT_ERROR") || line.starts_with("SERVER_ERROR");
}

}  // namespace

// All answers are short, so looking at the beginning and the end is enough until the lines themselves are read.
Answer judge_answer(std::string_view text, Failure& failure) {
  const auto end = text.find("\r\n");
  const auto line = text.substr(0, end);
  static constexpr std::string_view beginnings[] = {"STAT ", "END", "ERROR", "CLIENT_ERROR", "SERVER_ERROR"};
  const bool known = std::any_of(std::begin(beginnings), std::end(beginnings), [&](std::string_view beginning) {
    const auto count = std::min(beginning.size(), line.size());
    return line.substr(0, count) == beginning.substr(0, count);
  });
  if (!known) {
    failure = nonsense();
    return Answer::failed;
  }
  if (text.ends_with(end_of_stats) && (text.size() == end_of_stats.size() || text.ends_with("\nEND\r\n"))) {
    return Answer::whole;
  }
  if (end != std::string_view::npos && is_error(line)) {
    failure = failure_of(line);
    return Answer::failed;
  }
  return Answer::incomplete;
}

std::optional<Failure> Connection::open(const MemcachedConfig& config, Dialer& dialer,
                                        std::unique_ptr<Connection>& made) {
  const Deadline deadline(config.instance.timeout);
  std::unique_ptr<Stream> stream;
  if (auto failure = dialer.dial(deadline, stream)) return failure;
  std::unique_ptr<Connection> connection(new Connection(std::move(stream), config.instance.timeout));
  if (auto failure = connection->log_in(config, deadline)) return failure;
  made = std::move(connection);
  return std::nullopt;
}

// As memcached -Y wants it: the first command stores "user password" under any key.
std::optional<Failure> Connection::log_in(const MemcachedConfig& config, const Deadline& deadline) {
  if (config.password.empty()) return std::nullopt;
  const std::string password = config.password.reveal();
  if (password.empty()) {
    return Failure{FailureKind::login_refused, "the password is empty, or its file cannot be read", true};
  }
  const std::string login = config.user + ' ' + password;
  sent_ = "set auth 0 0 " + std::to_string(login.size()) + "\r\n" + login + "\r\n";
  if (auto failure = stream_->write(sent_, deadline)) return failure;
  received_.clear();
  while (received_.find("\r\n") == std::string::npos) {
    if (received_.size() > longest_quote) return nonsense();
    if (auto failure = stream_->read(received_, deadline)) return failure;
  }
  if (received_ == "STORED\r\n") return std::nullopt;
  return is_error(received_) ? failure_of(received_) : nonsense();
}

std::optional<Failure> Connection::ask(std::string_view question, std::string_view& lines) {
  const Deadline deadline(timeout_);
  sent_.assign(question).append("\r\n");
  // A server that takes no more clients says so and closes: what it said is still to be read.
  auto unsent = stream_->write(sent_, deadline);
  if (unsent && unsent->kind != FailureKind::lost) return unsent;
  received_.clear();
  while (true) {
    if (auto failure = stream_->read(received_, deadline)) return failure;
    Failure failure;
    switch (judge_answer(received_, failure)) {
      case Answer::failed: return failure;
      case Answer::incomplete: break;
      case Answer::whole:
        lines = std::string_view(received_).substr(0, received_.size() - end_of_stats.size());
        return std::nullopt;
    }
    if (received_.size() > longest_answer) {
      return Failure{FailureKind::too_large, "the answer to '" + std::string(question) + "' is too large", true};
    }
  }
}

}  // namespace sidewatch::database::memcached
