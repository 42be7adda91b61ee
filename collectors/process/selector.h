// Which group a process belongs to by itself: the first one in the configuration whose every condition holds.
//
// Conditions look at the process's description, except two that look at the outside: pid files and listening sockets.
// Both are read once per pass by refresh(), which says whose answer may have changed since. Who holds a socket is found
// through the links in /proc/PID/fd, and only for processes that satisfy the group's other conditions.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/collector.h"
#include "collectors/process/config.h"
#include "collectors/process/description.h"

namespace sidewatch {

// Counts a field that could not be read, and keeps the words of the first: of what is told in each pass in which it is so.
void add_partial_error(PassOutcome& outcome, std::string text);

// The texts that the conditions of these groups and the templates of their names look at.
DescribedTexts needed_texts(const std::vector<ProcessGroupConfig>& groups);

class ProcessSelector {
 public:
  ProcessSelector(const std::vector<ProcessGroupConfig>& groups, std::string procfs, pid_t own_pid);

  struct Changes {
    std::vector<pid_t> processes;  // that a pid file named before or names now
    bool everyone = false;         // other sockets listen than before
  };
  // Reads pid files and the table of listening sockets. What may not be read is added to `outcome` once.
  void refresh(Changes& changes, PassOutcome& outcome);

  // The index of the entry in the configuration.
  std::optional<std::size_t> select(const ProcessDescription& process);

  // True when the open files of a process that meets the group's other conditions may not be looked at.
  bool was_refused(std::size_t group) const { return states_[group].refused; }

  // True when a socket listens on the group's port, so that somebody should hold it.
  bool port_is_open(std::size_t group) const { return !states_[group].sockets.empty(); }

 private:
  struct State {
    pid_t pid_file_pid = 0;              // 0: no file, or no PID in it
    bool pid_file_reported = false;
    std::vector<std::uint64_t> sockets;  // inodes of what listens on the port, sorted
    std::vector<std::uint64_t> previous;
    bool refused = false;                // since these sockets listen
  };

  void read_pid_file(std::size_t group, Changes& changes, PassOutcome& outcome);
  void read_listeners(const std::string& path);
  bool matches(std::size_t group, const ProcessDescription& process);
  bool holds_socket(std::size_t group, const ProcessDescription& process);

  const std::vector<ProcessGroupConfig>& groups_;
  const std::string procfs_;
  const pid_t own_pid_;
  bool any_port_ = false;
  std::vector<State> states_;
};

}  // namespace sidewatch
