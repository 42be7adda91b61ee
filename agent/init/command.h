// `sidewatch init`: looks at where it stands and writes a configuration to start from. Not part of the running agent.
#pragma once

#include <string>

#include "agent/command_line.h"
#include "agent/init/look.h"
#include "agent/init/probe.h"
#include "agent/query/command.h"

namespace sidewatch {

// What a test replaces.
struct InitSurroundings {
  pid_t own_pid = 0;
  std::string state_dir;
  std::function<std::optional<std::string>(const std::string&)> environment;
  discovery::Prober prober;
};
InitSurroundings real_surroundings();

CommandResult run_init(const InitCommand& command, const InitSurroundings& surroundings);

}  // namespace sidewatch
