// The databases that were found, as collectors that would ask them: written as comments, because each needs a user made
// for the agent first, and nobody is asked anything who was not meant to be.
#pragma once

#include <string>
#include <vector>

#include "agent/init/write_config.h"

namespace sidewatch::discovery {

// Empty when there are none that a collector is for.
std::string write_databases(const Findings& findings);

// Databases that no group stands for: known by a socket, by somebody who is connected to them, by their port.
std::vector<std::string> other_traces_of_databases(const Findings& findings);

}  // namespace sidewatch::discovery
