// A service that ends and begins again unseen is told of once: only a process that is found ends the trouble.
#include "collectors/process/unseen_listeners.h"

#include "collectors/process/rights.h"

namespace sidewatch {
namespace {

constexpr unsigned passes_until_told = 2;  // a process may have begun to listen while the pass went on

std::string name_of(const ProcessGroupConfig& config) { return "group " + config.name.value; }
std::string port_of(const ProcessGroupConfig& config) { return "port " + std::to_string(config.match.port); }

}  // namespace

UnseenListeners::UnseenListeners(const std::vector<ProcessGroupConfig>& configs)
    : configs_(configs), states_(configs.size()) {}

void UnseenListeners::look(const ProcessTable& table, std::span<const std::uint64_t> members, PassOutcome& outcome) {
  for (std::size_t entry = 0; entry < configs_.size(); ++entry) {
    const ProcessGroupConfig& config = configs_[entry];
    State& state = states_[entry];
    if (config.sampled_elsewhere || config.match.port == 0) continue;
    const bool unseen = table.port_is_open(entry) && members[entry] == 0;
    state.passes_unseen = unseen ? state.passes_unseen + 1 : 0;
    if (state.passes_unseen == passes_until_told && !state.told) {
      state.told = true;
      ++outcome.partial_errors;
      outcome.news.push_back({true, words(config, table.was_refused(entry))});
    } else if (state.told && members[entry] > 0) {
      state.told = false;
      outcome.news.push_back({false, name_of(config) + ": the process that listens on " + port_of(config) + " is seen"});
    }
  }
}

std::string UnseenListeners::words(const ProcessGroupConfig& config, bool was_refused) const {
  const std::string open = name_of(config) + ": somebody listens on " + port_of(config) + ", but ";
  if (was_refused) {
    return open + "the agent may not see who: that takes " + rights_over_other_users +
           ". To match by unit or cmdline takes no right";
  }
  return open + "no process that can be seen from here does so and meets all other conditions of the group";
}

}  // namespace sidewatch
