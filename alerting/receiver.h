// The seam between the outbox and whoever is told. A receiver makes one attempt; when to try again is not its business.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "alerting/delivery.h"
#include "alerting/rate_limit.h"
#include "base/time.h"

namespace sidewatch {

struct Delivered {};
struct RetryLater {                 // network errors, 408, 425, 429, 5xx
  std::string why;
  std::optional<Duration> after;    // what the receiver asked for (Retry-After)
  bool whole_receiver = false;      // 429: everything to this receiver waits, not this message alone
  bool refused = false;             // 401, 403, 404, 410: as configured it takes nothing; a fallback is used at once
};
struct Rejected {                   // will never be taken as it is: to the dead letters
  std::string why;
};
using Attempt = std::variant<Delivered, RetryLater, Rejected>;

class Receiver {
 public:
  virtual ~Receiver() = default;

  // One attempt, over within the receiver's own timeout whatever the other side does. Called by one thread at a time.
  virtual Attempt send(const Delivery& delivery) = 0;

  // Makes a send() that is under way on another thread return soon. Used at shutdown and when a receiver is replaced.
  virtual void interrupt() {}
};

// Before the id of a delivery that tells again what fires (ReceiverPlan::resend_every): no queue knows of it, and nothing
// comes of its failure. No notification's own id begins so.
inline constexpr std::string_view resend_id_prefix = "again-";
inline bool is_resend(std::string_view delivery_id) { return delivery_id.starts_with(resend_id_prefix); }

struct ReceiverPlan {
  std::string name;         // unique in the configuration
  std::string description;  // for people, without secrets: "webhook https://hooks.example/..."
  std::string warning;      // what is dangerous in it, for `check` and the log; empty: nothing
  std::string fingerprint;  // equal when a reload may keep the running receiver; without secrets in the clear
  std::string fallback;     // name of the receiver that gets what this one refuses; may be empty
  bool send_resolved = true;  // whether it hears the end of what it heard of
  std::optional<RateLimit> rate_limit;
  bool takes_groups = false;  // a delivery may hold several alerts; otherwise each is a delivery of its own
  // Not 0: it forgets what it does not hear of, and is told this often of everything that fires and that it knows of.
  Duration resend_every{0};
  std::function<std::unique_ptr<Receiver>()> make;
};

}  // namespace sidewatch
