// Whether the groups that are recognised by a port find the process that listens there.
//
// Everybody sees that a port is open, but whose it is only who may look into that process. Without this a group would
// look as if its service had ended, and nobody would know why.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "collectors/collector.h"
#include "collectors/process/config.h"
#include "collectors/process/process_table.h"

namespace sidewatch {

class UnseenListeners {
 public:
  // `configs` must outlive it.
  explicit UnseenListeners(const std::vector<ProcessGroupConfig>& configs);

  // After a pass in which `members` processes of each entry were sampled. Tells when an entry's port is open without a
  // member for the second pass, and when its process is found after that; counts the former as a partial error.
  void look(const ProcessTable& table, std::span<const std::uint64_t> members, PassOutcome& outcome);

 private:
  struct State {
    unsigned passes_unseen = 0;
    bool told = false;
  };
  std::string words(const ProcessGroupConfig& config, bool was_refused) const;

  const std::vector<ProcessGroupConfig>& configs_;
  std::vector<State> states_;
};

}  // namespace sidewatch
