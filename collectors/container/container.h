// Containers under cAdvisor's names: what their cgroups tell, and how near they are to their limits.
#pragma once

#include <sys/types.h>

#include <memory>

#include "collectors/collector.h"
#include "collectors/container/config.h"

namespace sidewatch::container {

struct ContainerOptions {
  pid_t own_pid = 0;  // who the agent is; 0 is the calling process
};

std::unique_ptr<Collector> make_container_collector(const ContainerConfig& config, ContainerOptions options,
                                                    Catalog& catalog);

}  // namespace sidewatch::container
