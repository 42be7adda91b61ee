// Whether a program is what its path said when the configuration was written: nobody else than root, the agent's user and
// whom it runs as may be able to change it, or to put another one in its place.
//
// It is looked at before each run. Between the look and the run a path can change, but only by the hand of somebody who is
// trusted here, so that running the file that was looked at (fexecve) would keep out nobody; and it would break scripts,
// whose interpreter is then given a descriptor that is closed already.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/program.h"

namespace sidewatch::exec {

// Why the program is not run.
std::optional<Error> why_not_trusted(const std::string& path, const std::optional<Identity>& as);

}  // namespace sidewatch::exec
