// What kind of place this is, and what there is to watch besides processes: its cgroup, memory, disks, filesystems.
#pragma once

#include "agent/init/look.h"
#include "agent/init/machine.h"
#include "collectors/proc_file.h"

namespace sidewatch::discovery {

void look_around(const LookOptions& options, const ProcDir& proc, Machine& machine);

}  // namespace sidewatch::discovery
