// Writes what was found as a configuration that `sidewatch check` accepts wherever it is taken: commented, in an order
// that is the same every time, and without anything secret (no argument of a process but the path of its script).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/init/machine.h"
#include "agent/init/services.h"

namespace sidewatch::discovery {

struct Findings {
  Machine machine;
  Services services;
  std::vector<std::uint16_t> metrics_ports;  // that serve samples
  bool probed = false;
  std::string root;       // where another machine's files stand; empty is this one
  std::string state_dir;
};

std::string write_config(const Findings& findings);

// What was found and what was not looked into, for whoever typed the command.
std::string summary(const Findings& findings);

// Whether the machine itself is the agent's business, and not only what a container shares of it.
bool watches_host(const Findings& findings);

// The services whose containers are watched: in a container or pod all, on a host those that run in containers. When it is empty and
// the host is not watched either, the agent's own container is.
std::vector<const Service*> containers_to_watch(const Findings& findings);

// The rules that suit what was found, and how to change them.
std::string default_rules(const Findings& findings);

}  // namespace sidewatch::discovery
