// The names of metrics that the agent's own collectors fill: nobody may write them from outside, or whoever can send a
// datagram could raise and silence alerts about the host.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sidewatch::statsd {

class OwnNames {
 public:
  OwnNames();  // of all kinds of collectors, configured or not, and everything that begins with sidewatch_
  bool contain(std::string_view name) const;

 private:
  std::vector<std::uint64_t> hashes_;  // sorted; of names that are written out
  std::vector<std::string> prefixes_;  // of those that go on as the kernel or a server says
};

}  // namespace sidewatch::statsd
