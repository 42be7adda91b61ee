// What `sidewatch init` sees of the machine, container or pod it stands in: plain facts, before anything is made of
// them. Texts are what the machine holds, any bytes; only the writer of the configuration makes them fit to be shown.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sidewatch::discovery {

// A TCP socket that waits for connections.
struct Listener {
  std::string address;  // 127.0.0.1, 0.0.0.0, [::1]
  std::uint16_t port = 0;
  std::uint64_t inode = 0;
  std::string user;
  bool by_loopback = false;  // 127.0.0.1 or [::1] reaches it
};

struct Process {
  pid_t pid = 0;
  pid_t ppid = 0;
  std::string comm;
  std::string exe;                // empty: none, or it may not be seen
  std::vector<std::string> args;  // never copied into a configuration but for a script's path and a module's name
  std::string directory;          // it works in; empty when it may not be seen
  std::string user;               // its name, or its number where that has none
  std::string unit;               // of systemd, without ".service"; empty for what a person or a container started
  std::string container;          // its id; empty outside
  std::vector<Listener> listeners;  // that it holds
  bool other_network = false;       // its ports are those of another network namespace
};

// A server elsewhere that something here is connected to.
struct Peer {
  std::string address;
  std::uint16_t port = 0;
  auto operator<=>(const Peer&) const = default;
};

struct Disk {
  std::string name;
  std::uint64_t bytes = 0;
};

struct Filesystem {
  std::string mount_point;
  std::string type;
  std::string device;
};

enum class Place { host, container, pod };

struct Machine {
  Place place = Place::host;
  std::vector<Process> processes;    // by PID, without kernel threads
  std::vector<Listener> unclaimed;   // whose process cannot be seen, by port
  std::vector<Peer> peers;           // of this network namespace, sorted, each once
  std::vector<std::string> sockets;  // paths of listening Unix sockets, sorted
  std::vector<Disk> disks;
  std::vector<Filesystem> filesystems;
  std::string cgroup;                            // the agent's own path, as it sees it
  std::optional<std::uint64_t> memory_limit;     // of that cgroup, in bytes
  std::optional<double> cpu_limit;               // in cores
  std::uint64_t memory_bytes = 0;                // of the machine; 0 unknown
  std::size_t cores = 0;
  std::vector<std::string> skipped;  // what was not looked at, and why, in words
};

}  // namespace sidewatch::discovery
