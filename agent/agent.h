// `sidewatch run` and `sidewatch check`: from a configuration to a running agent, and to its orderly end.
#pragma once

#include <string>

namespace sidewatch {

// Watches until SIGTERM or SIGINT. Returns the exit code; what went wrong has been said on stderr.
int run_agent(const std::string& config_path);

// Says on stdout what the configuration would watch, or on stderr everything that is wrong with it.
int check_config(const std::string& config_path);

}  // namespace sidewatch
