// One connection to a memcached server, which speaks the text protocol.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "collectors/database/failure.h"
#include "collectors/database/memcached/config.h"
#include "collectors/database/stream.h"

namespace sidewatch::database::memcached {

class Connection {
 public:
  // Connecting and logging in share the instance's timeout.
  static std::optional<Failure> open(const MemcachedConfig& config, Dialer& dialer, std::unique_ptr<Connection>& made);

  // Asks "stats", "stats slabs" ... and sets `lines` to the lines "STAT name value" that are answered, until the next
  // question.
  std::optional<Failure> ask(std::string_view question, std::string_view& lines);

 private:
  Connection(std::unique_ptr<Stream> stream, Duration timeout) : stream_(std::move(stream)), timeout_(timeout) {}
  std::optional<Failure> log_in(const MemcachedConfig& config, const Deadline& deadline);

  const std::unique_ptr<Stream> stream_;
  const Duration timeout_;
  std::string sent_;
  std::string received_;
};

enum class Answer { whole, incomplete, failed };

// Whether `text` is the whole answer to a question: lines "STAT ..." and then "END". An error of the server, or what is
// no answer at all, is said at once.
Answer judge_answer(std::string_view text, Failure& failure);

}  // namespace sidewatch::database::memcached
