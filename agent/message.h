// What other threads tell the loop. Everything that happens reaches it through one mailbox of these.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "alerting/receiver.h"
#include "base/mailbox.h"
#include "collectors/collector.h"

namespace sidewatch {

class OutboxCall;
struct Settings;

// A collector's pass is over.
struct PassDone {
  std::uint64_t runner = 0;  // which CollectorRunner
  Batch batch;               // goes back to the runner, so that its memory is used again
  Result<PassOutcome> outcome;
  Time at;           // the time the samples bear
  double seconds = 0;  // how long the pass took
};

// A receiver's attempt is over.
struct AttemptDone {
  std::uint64_t runner = 0;  // which DeliveryRunner
  std::string receiver;
  std::string delivery_id;
  Attempt attempt;
};

// The configuration was read again: the new settings, or what is wrong with them (the old ones go on).
struct SettingsRead {
  Result<std::shared_ptr<Settings>> settings;
  std::shared_ptr<const int> ticket = {};  // the Reloader's, who knows by it how many the loop has not come to yet
};

// Somebody asks about the outbox, or wants something changed in it, and waits.
struct OutboxAsked {
  std::shared_ptr<OutboxCall> call;
};

struct StopRequest {};

using Message = std::variant<PassDone, AttemptDone, SettingsRead, OutboxAsked, StopRequest>;
using LoopMailbox = Mailbox<Message>;

}  // namespace sidewatch
