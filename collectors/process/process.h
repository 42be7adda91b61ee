// Groups of processes under process-exporter's names: how many, what they consume, since when, how often restarted.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "collectors/collector.h"
#include "collectors/process/config.h"

namespace sidewatch {

struct ProcessOptions {
  std::string procfs = "/proc";     // another root (a fixture, the host's mounted in a container) is read directly
  std::size_t max_kept_files = 256;  // /proc/PID files held open over all groups; beyond, files are opened each pass
  std::string collector = {};        // the label of its own series; none when empty
  pid_t own_pid = 0;                // who `self` is; 0 is whom procfs calls so, or else the calling process
};

std::unique_ptr<Collector> make_process_collector(std::vector<ProcessGroupConfig> groups, ProcessOptions options,
                                                  Catalog& catalog);

}  // namespace sidewatch
