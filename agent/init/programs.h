// The programs that are known by name: databases, servers, interpreters, and what belongs to the system.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/init/machine.h"

namespace sidewatch::discovery {

enum class ProgramKind {
  other,
  database,     // watched; asked only where somebody configures it
  server,       // watched, also where its ports cannot be seen
  interpreter,  // what it runs is the service: node, python, java
  system,       // not watched: belongs to the machine, or runs other services
  agent,        // sidewatch itself
};

struct KnownProgram {
  std::string_view name;   // of the executable, or how it begins when it ends in '*'
  ProgramKind kind = ProgramKind::other;
  std::string_view group;  // what its group is called; empty: as the program
  std::string_view title;  // for people; empty: as the program
};

// Nothing for a program that nobody here knows.
std::optional<KnownProgram> known_program(std::string_view name);

// What a process is: the file name of its executable, or what it calls itself where that cannot be seen.
struct Identity {
  std::string program;  // node, postgres
  std::optional<KnownProgram> known;
  std::string script;  // what an interpreter runs: "/srv/bot/index.js", "app.wsgi", "com.shop.Main"; else empty
  ProgramKind kind() const { return known ? known->kind : ProgramKind::other; }
  bool operator==(const Identity& other) const { return program == other.program && script == other.script; }
};
Identity identify(const Process& process);

// What a service running `identity` is called: letters, digits, '.', '_' and '-', never empty. `unit` is its systemd unit
// where that is its own.
std::string group_name(const Identity& identity, const Process& process, const std::string& unit);

// The database whose usual port this is: "PostgreSQL", or nothing.
std::string_view database_on_port(std::uint16_t port);

// The database that listens on a Unix socket of this path, or nothing.
std::string_view database_of_socket(std::string_view path);

}  // namespace sidewatch::discovery
