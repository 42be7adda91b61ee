// What to say to whoever typed a command that there is not, or none where one is needed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/command_outline.h"

namespace sidewatch {

// `words` are what was typed after the program's name. Empty when they lead to a command that can be run.
std::optional<std::string> unknown_command(const CommandOutline& program, const std::vector<std::string>& words);

}  // namespace sidewatch
