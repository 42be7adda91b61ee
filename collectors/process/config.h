// What the `process` key of the configuration says: groups of processes, each with a name and how its members are
// recognised.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/regex.h"
#include "collectors/collector.h"
#include "collectors/table.h"
#include "config/section.h"

namespace sidewatch {

enum class ProcessWord { any, self };

// How a process is recognised. Everything that is given must hold; at least one key is required.
struct ProcessMatch {
  std::string pid_file;                         // its PID stands in this file
  std::string comm;                             // its name, exactly; the kernel keeps 15 bytes, so only those count
  std::string exe;                              // its program: with a slash the whole path, without only the file name
  Regex cmdline;                                // found somewhere in its arguments joined by single spaces
  std::int64_t port = 0;                        // it holds a TCP socket that listens on this port; 0 is any process
  ProcessWord pid = ProcessWord::any;           // self: it is the agent
  ProcessWord parent = ProcessWord::any;        // self: it was started by the agent
};

struct ProcessGroupConfig {
  config::Located<std::string> name;  // the value of the `groupname` label
  ProcessMatch match;
  bool children = true;  // descendants of a member are members too, unless another group claims them
};

void declare(config::Section& section, ProcessMatch& match);
void declare(config::Section& section, ProcessGroupConfig& group);

// "exe checkout, port 8080": the conditions in words; also what tells two matches apart.
std::string conditions(const ProcessMatch& match);

// Declares `process` and plans one collector for all of its groups.
void configure_process(config::Section& collectors, std::vector<CollectorPlan>& plans);
std::vector<MetricGroup> process_metric_groups();

}  // namespace sidewatch
