// `sidewatch routes test`: who would be told of an alert with these labels.
#pragma once

#include <string>
#include <vector>

#include "agent/command_line.h"
#include "agent/query/command.h"
#include "agent/settings.h"

namespace sidewatch {

// `labels` as they were typed, NAME=VALUE each; those of agent.labels come in addition. What the alert's level is, its label
// `level` says, or else its severity.
CommandResult say_who_is_told(const Settings& settings, const std::vector<std::string>& labels, WallTime now);

CommandResult run_route_test(const RouteTestCommand& command);

}  // namespace sidewatch
