// One connection to a Redis server: logged in, asked one command at a time, each answered within the timeout or never.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "collectors/database/failure.h"
#include "collectors/database/redis/config.h"
#include "collectors/database/redis/reply.h"
#include "collectors/database/stream.h"

namespace sidewatch::database::redis {

class Connection {
 public:
  // Connecting and logging in share the instance's timeout.
  static std::optional<Failure> open(const RedisConfig& config, Dialer& dialer, std::unique_ptr<Connection>& made);

  // An error that the server answers is a Failure that leaves the connection as it is; anything else ends it. The reply
  // lasts until the next command.
  std::optional<Failure> ask(Command command, const Reply*& reply);

  // The same for commands whose answer is an error just as often as not: an error is a reply like any other.
  std::optional<Failure> ask_for_any(Command command, const Reply*& reply);

  const std::string& user() const { return user_; }  // who we are; empty: the default user

 private:
  Connection(std::unique_ptr<Stream> stream, const RedisConfig& config);
  std::optional<Failure> exchange(Command command, const Deadline& deadline);
  std::optional<Failure> log_in(const RedisConfig& config, const Deadline& deadline);

  std::unique_ptr<Stream> stream_;
  const std::string user_;
  const Duration timeout_;
  ReplyReader reader_;
  Reply reply_;
  std::string sent_;
  std::string received_;  // and not yet read
};

// What an error of the server means for whoever asked `command`. `user`: who we are, for the advice.
Failure failure_of(std::string_view error, Command command, std::string_view user);

}  // namespace sidewatch::database::redis
