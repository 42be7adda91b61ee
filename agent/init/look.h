// Looks at a machine, container or pod: who runs here, who listens, what there is to watch. Reads only files, asks
// nobody, changes nothing.
//
// The one idea: it works for anybody. What may not be read is left out and told in Machine::skipped; a machine of which
// nothing can be read is an empty one. Everything is bounded: processes, open files, bytes and, as reading /proc can
// hang on a process that hangs in the kernel, time.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "agent/init/machine.h"
#include "base/result.h"
#include "base/time.h"

namespace sidewatch::discovery {

struct LookOptions {
  std::string root;  // "/host": another machine's files stand there; empty is this one
  pid_t own_pid = 0;  // who is left out
  std::function<std::optional<std::string>(const std::string&)> environment;
};

Machine look(const LookOptions& options);

// The same on a thread that is left behind when it takes longer than `patience`.
Result<Machine> look_within(const LookOptions& options, Duration patience);

}  // namespace sidewatch::discovery
