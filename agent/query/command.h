// `sidewatch query`: asks an agent, or a file of samples, and shows the answer.
#pragma once

#include <cstddef>
#include <string>

#include "agent/command_line.h"
#include "base/time.h"

namespace sidewatch {

// What standard output can show.
struct Terminal {
  std::size_t columns = 80;
  bool colour = false;
  bool unicode = true;
};
Terminal standard_output();

// What a command says, and how the process ends.
struct CommandResult {
  int code = 0;
  std::string out = {};
  std::string err = {};
};

// `now` is wall time.
CommandResult run_query(const QueryCommand& command, const Terminal& terminal, Time now);

}  // namespace sidewatch
