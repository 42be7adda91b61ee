// A question about the outbox, or a wish of somebody who looks at it: it goes from a thread of the HTTP server through the
// mailbox to the loop, to which the outbox belongs, and comes back answered.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "alerting/dispatcher.h"
#include "alerting/dispatcher_hand.h"
#include "alerting/outbox.h"
#include "base/time.h"

namespace sidewatch {

// Rows of a kind in one answer, and messages that one wish changes: the loop has other things to do.
inline constexpr std::size_t max_outbox_rows = 1'000;

struct OutboxQuestion {
  enum class What { list, retry, drop };
  What what = What::list;
  Chosen which = {};
  bool dead = false;    // retry, drop: the dead letters; one that is chosen by its id is found in either place
  std::string to = {};  // retry: the receiver that dead letters go to; empty: their own
  std::size_t most = max_outbox_rows;
};

struct OutboxReport {
  struct Receiver {
    ReceiverStatus status;
    std::optional<WallTime> paused_until;
  };
  struct Waiting {
    WaitingMessage message;
    std::optional<WallTime> until;
    std::vector<std::string> mute_times;  // that hold it back now
  };
  std::vector<Receiver> receivers;
  std::vector<Waiting> waiting;
  std::vector<DeadLetter> dead;   // the newest first
  std::size_t dead_letters = 0;   // with those that are not in `dead`
};

struct OutboxChange {
  TriedNow tried;
  SentAgain sent_again;
  Discarded dropped;
  std::size_t forgotten = 0;  // dead letters
  std::string not_on_disk;    // why; empty: it is
};

struct OutboxRefusal {
  enum class Why { wrong, unknown, not_now };
  Why why = Why::wrong;
  std::string what;  // a sentence
};

using OutboxAnswer = std::variant<OutboxReport, OutboxChange, OutboxRefusal>;

class OutboxCall {
 public:
  explicit OutboxCall(OutboxQuestion question) : question_(std::move(question)) {}

  // The loop, once: false when nobody waits any more.
  bool begin() {
    const std::lock_guard lock(mutex_);
    begun_ = !withdrawn_;
    return begun_;
  }
  const OutboxQuestion& question() const { return question_; }
  void answer(OutboxAnswer answer) {
    {
      const std::lock_guard lock(mutex_);
      answer_ = std::move(answer);
    }
    answered_.notify_all();
  }

  // Who asks: at most `patience`, or until `given_up` says so. Nothing: what the loop has not begun it will not do.
  std::optional<OutboxAnswer> wait(Duration patience, const std::function<bool()>& given_up) {
    constexpr Duration look_up_every{50};
    const auto until = std::chrono::steady_clock::now() + patience;
    std::unique_lock lock(mutex_);
    while (!answer_ && !given_up() && std::chrono::steady_clock::now() < until) {
      answered_.wait_for(lock, look_up_every, [this] { return answer_.has_value(); });
    }
    withdrawn_ = !answer_;
    return std::exchange(answer_, std::nullopt);
  }
  bool begun() const {
    const std::lock_guard lock(mutex_);
    return begun_;
  }

 private:
  const OutboxQuestion question_;
  mutable std::mutex mutex_;  // of all below
  std::condition_variable answered_;
  std::optional<OutboxAnswer> answer_;
  bool begun_ = false;
  bool withdrawn_ = false;
};

}  // namespace sidewatch
