// Makes services of processes: who belongs together, what it is called, and how it will be recognised again after a
// restart.
//
// The one idea: a service is a process that listens, or a program whose name is known for serving, with all relatives
// that run the same program (a server and its workers). It gets the plainest condition that holds for it and for no
// other process: its systemd unit, its name, its script; its port is the last resort, because recognising by port takes
// the right to look into other people's processes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/init/machine.h"

namespace sidewatch::discovery {

// Of the keys of `collectors.process[].match`.
struct Condition {
  std::string key;
  std::string value;
  bool operator==(const Condition&) const = default;
};

struct Service {
  std::string name;     // of the group: letters, digits, '.', '_' and '-'
  std::string title;    // what it is, for people: "PostgreSQL", "node server.js"
  std::string user;
  std::string unit;
  std::string container;
  std::vector<Listener> listeners;  // by port and address
  std::size_t processes = 0;
  std::vector<Condition> match;  // all must hold
  std::size_t others = 0;        // processes that are not its own but match as well
  bool is_database = false;
  bool may_be_asked = false;  // GET /metrics does no harm: it is no database, and not the system's
  bool other_network = false;
};

struct Services {
  std::vector<Service> watched;   // by lowest port, then by name
  std::vector<Service> waiting;   // programs of somebody's own that do not listen: bots, workers
  std::size_t more = 0;           // services beyond those
  std::vector<std::string> left_out;  // "sshd (port 22)": the system's own, sorted
};

Services find_services(const Machine& machine);

}  // namespace sidewatch::discovery
