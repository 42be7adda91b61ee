// How a service will be recognised: conditions for `collectors.process[].match`, tried against all processes that run
// now.
#pragma once

#include <cstddef>
#include <vector>

#include "agent/init/machine.h"
#include "agent/init/programs.h"
#include "agent/init/services.h"

namespace sidewatch::discovery {

// A process and who it is.
struct KnownProcess {
  const Process* process = nullptr;
  Identity identity;
};

// Whether the process's name says what it is: "nginx" does, "node" and "MainThread" do not.
bool is_telling_comm(const KnownProcess& known);

struct Recognition {
  std::vector<Condition> match;
  std::size_t others = 0;  // processes outside that satisfy it too, when no condition tells them apart
};

// `own[i]` says whether `all[i]` belongs to the service, `leader` is one of them that must be matched.
Recognition recognise(const std::vector<KnownProcess>& all, const std::vector<bool>& own, std::size_t leader);

}  // namespace sidewatch::discovery
