// `sidewatch silence add|ls|expire` and `sidewatch alerts`: what fires now, and what shall be quiet for a while.
#pragma once

#include "agent/command_line.h"
#include "agent/query/command.h"
#include "base/time.h"

namespace sidewatch {

// `now` is wall time; `user` is who types.
CommandResult run_silence(const SilenceCommand& command, WallTime now, const std::string& user);
CommandResult run_alerts(const AlertsCommand& command, WallTime now);

std::string this_user();

}  // namespace sidewatch
