// What happens in the child between fork and exec: system calls and nothing else.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/program.h"

namespace sidewatch::exec {

// Everything that the child needs, made before the fork. The descriptors are above 3.
struct ChildPlan {
  const Command& command;
  char* const* arguments;
  char* const* environment;
  int input;
  int output;
  int errors;
  int trouble;  // a ChildTrouble is written there when the program cannot be begun; closed when it is
  pid_t parent;
};

enum class ChildStep : std::int32_t { files, limits, directory, identity, program };

struct ChildTrouble {
  ChildStep step = ChildStep::files;
  std::int32_t error_number = 0;
};

[[noreturn]] void become(const ChildPlan& plan);

}  // namespace sidewatch::exec
