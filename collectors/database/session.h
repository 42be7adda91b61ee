// One connection that is kept, and made again when it is lost: never more than one attempt at a time, each later than
// the one before (1 s to 30 s, with jitter), so that a server that comes back is not met by a crowd.
//
// A pass asks `connection(pass)`: the connection that is there, or one that was made just now, or none, and then the
// trouble has been reported. Whoever meets a Failure with connection_lost hands it to `lost`.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "base/retry.h"
#include "base/time.h"
#include "collectors/database/failure.h"
#include "collectors/database/pass.h"

namespace sidewatch::database {

inline constexpr RetryPolicy reconnect_policy{.first = std::chrono::seconds(1), .longest = std::chrono::seconds(30)};

// Uniform in [0, 1), seeded by the machine.
RandomUnit random_unit();

template <class Connection>
class Session {
 public:
  // Makes a connection within a deadline of its own: sets it, or says why not.
  using Connect = std::function<std::optional<Failure>(std::unique_ptr<Connection>&)>;

  explicit Session(Connect connect, RandomUnit random = random_unit(), RetryPolicy policy = reconnect_policy)
      : connect_(std::move(connect)), random_(std::move(random)), policy_(policy) {}

  Connection* connection(Pass& pass) {
    if (!connection_ && pass.now >= next_attempt_) attempt(pass);
    if (!connection_) pass.report(kConnect, trouble_);
    return connection_.get();
  }

  // To be called with what ended the connection; it is reported by this pass and those until the next attempt.
  void lost(Pass& pass, Failure failure) {
    connection_.reset();
    pass.failures.count(kConnect, failure.kind);
    pass.report(kConnect, failure);
    delay(pass.now, std::move(failure));
  }

  // What has been proved by an answer: the next failure is the first again. (A server may accept and never answer.)
  void proved() { failures_ = 0; }

  bool is_up() const { return connection_ != nullptr; }
  // How many connections were made: a new one may be to another server.
  std::uint64_t generation() const { return generation_; }

 private:
  void attempt(Pass& pass) {
    std::unique_ptr<Connection> made;
    if (auto failure = connect_(made)) {
      pass.failures.count(kConnect, failure->kind);
      delay(pass.now, std::move(*failure));
      return;
    }
    connection_ = std::move(made);
    ++generation_;
  }

  void delay(Time now, Failure failure) {
    ++failures_;
    trouble_ = std::move(failure);
    next_attempt_ = now + retry_delay(policy_, failures_, std::nullopt, random_);
  }

  Connect connect_;
  RandomUnit random_;
  RetryPolicy policy_;
  std::unique_ptr<Connection> connection_;
  std::uint64_t generation_ = 0;
  Time next_attempt_;
  std::int64_t failures_ = 0;
  Failure trouble_;
};

}  // namespace sidewatch::database
