// What people see of what waits, and what they may do to it by hand: have it tried now, drop it, send dead letters again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alerting/notification.h"
#include "base/result.h"
#include "base/time.h"

namespace sidewatch {

// Why a message has not gone yet.
enum class Waits {
  under_way,        // it is being sent
  next,             // nothing holds it up: it goes as soon as its receiver is free
  held,             // a silence or a mute interval holds it back
  behind,           // an earlier message of the same alert goes first
  group,            // it waits for others of its group
  retry,            // its last attempt failed
  receiver_paused,  // the last attempt to reach its receiver failed
  rate_limit,       // its receiver's rate limit is used up
};
std::string_view to_string(Waits waits);  // "under_way", ...

struct WaitingMessage {
  Notification notification;
  std::int64_t attempts = 0;  // that failed
  Waits waits = Waits::next;
  std::optional<Time> until;  // when that ends, where it is known
};

// Messages of one id, those of one receiver, or all.
struct Chosen {
  std::string id = {};        // empty: any
  std::string receiver = {};  // empty: any

  bool holds(const Notification& message) const {
    return (id.empty() || message.id == id) && (receiver.empty() || message.receiver == receiver);
  }
};

struct TriedNow {
  std::size_t due = 0;        // tried as soon as their receiver is free
  std::size_t under_way = 0;  // being sent anyway
  std::size_t held = 0;       // that a silence or a mute interval goes on holding back
};

struct Discarded {
  std::size_t messages = 0;
  std::size_t under_way = 0;  // being sent, and so left alone
  std::size_t left = 0;       // more than one call takes
  Result<void> stored = {};   // an Error: it is so, but in memory only for now
};

// What is the case with an alert that fires.
struct FiresNow {
  std::string incident;
  Level level = Level::warning;
};

struct SendAgain {
  std::string to = {};  // another receiver than their own; empty: their own
  std::function<std::optional<FiresNow>(const std::string& alert_key)> fires_now = {};  // absent: it does not
};

struct SentAgain {
  struct Stays {
    std::string id;
    std::string why;  // a sentence
  };
  std::size_t messages = 0;  // that wait again
  std::vector<Stays> stays;  // those that stay where they are
  Result<void> stored = {};  // as above
};

}  // namespace sidewatch
