// `sidewatch notify test`: sends one receiver of a configuration a message made up for it, once, and shows what was sent
// and what came back. Nothing of a running agent is touched: no outbox, no rule, no other receiver.
#pragma once

#include "agent/command_line.h"
#include "agent/query/command.h"

namespace sidewatch {

CommandResult run_notify_test(const NotifyTestCommand& command);

}  // namespace sidewatch
