// The names of metrics that the agent's own collectors fill: nobody may write them from outside, or whoever can send a
// datagram could raise and silence alerts about the host.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sidewatch {

// Whether the name is one in which the agent speaks about itself: it begins with sidewatch_ or ALERTS. A page that is
// asked for under labels of its own may have every other name.
bool is_agents_own(std::string_view name);

class OwnNames {
 public:
  OwnNames();  // of all kinds of collectors, configured or not, and everything that begins with sidewatch_
  bool contain(std::string_view name) const;
  // The name, or that of a part which a histogram, a summary or a timing of this name would have: x_count, x_bucket.
  bool contain_part_of(std::string_view name) const;

 private:
  std::vector<std::uint64_t> hashes_;  // sorted; of names that are written out
  std::vector<std::string> prefixes_;  // of those that go on as the kernel or a server says
};

}  // namespace sidewatch
