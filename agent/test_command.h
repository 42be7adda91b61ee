// `sidewatch test`: runs files of unit tests for rules and says what is not as expected.
#pragma once

#include "agent/command_line.h"
#include "agent/query/command.h"

namespace sidewatch {

CommandResult run_tests(const TestCommand& command);

}  // namespace sidewatch
