// /api/v1/outbox: what waits to be told and why it has not gone, and the dead letters; tried now, sent again or dropped.
//
//     GET    /api/v1/outbox         ?receiver=NAME&limit=N (rows of each receiver, and of the dead letters)
//     GET    /api/v1/outbox/{id}    one of them
//     POST   /api/v1/outbox/retry   ?id=ID or receiver=NAME or all=true: what waits is tried now;
//                                   with dead=true the dead letters wait again, with to=NAME for another receiver
//     DELETE /api/v1/outbox         ?receiver=NAME: what waits for it; ?dead=true (&receiver=NAME): the dead letters
//     DELETE /api/v1/outbox/{id}    one of either
//
// In Prometheus's envelope. All of it belongs to the loop: a worker puts the question into its mailbox and waits, not
// for long. Changes come from this machine only, as those of silences do.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "agent/http/message.h"
#include "agent/message.h"
#include "alerting/silences.h"
#include "base/time.h"

namespace sidewatch {

struct OutboxContext {
  std::shared_ptr<LoopMailbox> loop;
  const Silences& silences;
  std::function<WallTime()> wall;
  bool allow_remote = false;
  Duration patience = std::chrono::seconds(5);  // for the loop's answer
};

void add_outbox_routes(std::vector<HttpRoute>& routes, const OutboxContext& context);

}  // namespace sidewatch
