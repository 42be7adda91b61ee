// `sidewatch outbox ls|retry|drop`: the messages that wait to be told, and the dead letters, of the agent that runs.
#pragma once

#include "agent/command_line.h"
#include "agent/query/command.h"
#include "base/time.h"

namespace sidewatch {

// `now` is wall time.
CommandResult run_outbox(const OutboxCommand& command, WallTime now);

}  // namespace sidewatch
