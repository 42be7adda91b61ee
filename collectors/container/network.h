// Network interfaces of the network namespace that a process is in.
//
// Only on request: a process that shares the machine's network, as a service of the host does, would show the machine's
// traffic for its own. Loopback and the host's ends of other containers' cables are left out, as in cAdvisor.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/container/cgroup_files.h"
#include "collectors/container/metrics.h"
#include "metrics/catalog.h"

namespace sidewatch::container {

using InterfaceCounts = std::array<std::uint64_t, kNetworkMetrics.size()>;  // in the order of the metrics

// Takes the next interface off the front of /proc/PID/net/dev. False at the end; a line that is not whole is left out.
bool next_interface(std::string_view& rest, std::string_view& name, InterfaceCounts& counts);

class NetworkPart {
 public:
  static constexpr std::size_t max_interfaces = 32;  // of one target at a time; more are left out

  // `process` is the directory of the process, which must outlive it.
  NetworkPart(Catalog& catalog, Labels labels, const ProcDir& process);
  void sample(PassContext& pass);

 private:
  struct Interface {
    std::string name;
    std::uint64_t pass = 0;  // in which it was last there
    std::array<SeriesHandle, kNetworkMetrics.size()> series;
  };
  const Interface* interface(std::string_view name);
  Interface* place_for_another();

  Catalog& catalog_;
  const Labels labels_;
  ProcFile file_;
  std::vector<Interface> interfaces_;
  std::uint64_t pass_ = 0;
};

}  // namespace sidewatch::container
