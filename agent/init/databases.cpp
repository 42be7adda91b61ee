#include "agent/init/databases.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "agent/init/programs.h"
#include "agent/init/yaml_text.h"

namespace sidewatch::discovery {
namespace {

struct DatabaseAddress {
  std::string address;  // of a TCP port; empty: `path`
  std::uint16_t port = 0;
  std::string path;     // of a socket
  auto operator<=>(const DatabaseAddress&) const = default;
};

// What a collector is for. `names` are those that programs and sockets go by here.
struct Engine {
  std::string_view key;
  std::string_view names;
  std::string_view to_do;  // before the hash signs may go, a line each
  std::string (*connection)(const DatabaseAddress&);  // the lines of one entry behind its name
};

std::string at(const DatabaseAddress& place) {
  return place.path.empty() ? place.address + ":" + std::to_string(place.port) : place.path;
}

// libpq knows an IPv6 address without them.
std::string without_brackets(const std::string& address) {
  return address.starts_with('[') && address.ends_with(']') ? address.substr(1, address.size() - 2) : address;
}

std::string to_postgresql(const DatabaseAddress& place) {
  // A socket's path is its directory and the port: /run/postgresql/.s.PGSQL.5432.
  const auto name = place.path.rfind("/.s.PGSQL.");
  const std::string where = name != std::string::npos
                                ? "host=" + place.path.substr(0, name) + " port=" + place.path.substr(name + 10)
                                : "host=" + without_brackets(place.address) + " port=" + std::to_string(place.port);
  return "  dsn: " + yaml_value(where + " dbname=postgres user=sidewatch") +
         "\n  password: \"${file:/etc/sidewatch/postgresql.password}\"\n";
}

std::string to_mysql(const DatabaseAddress& place) {
  return "  address: " + yaml_value(at(place)) +
         "\n  user: sidewatch\n  password: \"${file:/etc/sidewatch/mysql.password}\"\n";
}

std::string to_redis(const DatabaseAddress& place) {
  return "  address: " + yaml_value(at(place)) +
         "\n  # user: sidewatch                               # where it wants to know who asks\n"
         "  # password: \"${file:/etc/sidewatch/redis.password}\"\n";
}

std::string to_memcached(const DatabaseAddress& place) { return "  address: " + yaml_value(at(place)) + "\n"; }

constexpr Engine engines[] = {
    {"postgresql", "PostgreSQL",
     "In psql: CREATE USER sidewatch PASSWORD '...'; GRANT pg_monitor TO sidewatch;\n"
     "Put the password into /etc/sidewatch/postgresql.password (docs/postgresql.md).",
     to_postgresql},
    {"mysql", "MySQL|MariaDB|MySQL or MariaDB",
     "Make a user sidewatch with the rights in docs/mysql.md, and put its password into /etc/sidewatch/mysql.password.",
     to_mysql},
    {"redis", "Redis|Valkey|KeyDB", "Where it has users or a password, docs/redis.md tells which rights the agent needs.",
     to_redis},
    {"memcached", "Memcached", "", to_memcached},
};

bool is_for(const Engine& engine, std::string_view name) {
  for (std::string_view rest = engine.names; !rest.empty();) {
    const auto bar = rest.find('|');
    if (rest.substr(0, bar) == name) return true;
    rest.remove_prefix(bar == std::string_view::npos ? rest.size() : bar + 1);
  }
  return false;
}

// "0.0.0.0" and "[::]" are reached at the loopback.
std::string reachable(const std::string& address) {
  if (address == "0.0.0.0" || address == "*" || address == "[::]") return "127.0.0.1";
  return address;
}

// What needs no quoting inside a connection string. Others are left to whoever named them so.
bool is_plain(std::string_view text) {
  return is_printable(text) && text.find_first_of(" '\"\\$") == std::string_view::npos;
}

bool is_local(const std::string& address) {
  return reachable(address) != address || address.starts_with("127.") || address == "[::1]";
}

bool is_usual_port(std::uint16_t port) { return !database_on_port(port).empty(); }

// Where it can be asked: at a port, or at a socket where it listens at no port; each server once. Of several ports of
// one service, those that are usual for a database (MySQL's second one speaks another language).
std::vector<DatabaseAddress> addresses_of(const Engine& engine, const Findings& findings) {
  std::set<std::pair<std::string, std::uint16_t>> known;
  std::vector<DatabaseAddress> places;
  const auto add = [&](const std::string& address, std::uint16_t port) {
    // A server that listens at several addresses of this machine is one server.
    const std::string whose = is_local(address) ? "here" : address;
    if (is_plain(address) && known.insert({whose, port}).second) places.push_back({reachable(address), port, ""});
  };
  for (const auto& service : findings.services.watched) {
    if (!is_for(engine, service.title) || service.other_network) continue;
    const bool any_usual = std::any_of(service.listeners.begin(), service.listeners.end(),
                                       [](const auto& one) { return is_usual_port(one.port); });
    for (const auto& listener : service.listeners) {
      if (!any_usual || is_usual_port(listener.port)) add(listener.address, listener.port);
    }
  }
  for (const auto& peer : findings.machine.peers) {
    if (is_for(engine, database_on_port(peer.port))) add(peer.address, peer.port);
  }
  if (!places.empty()) return places;
  for (const auto& path : findings.machine.sockets) {
    if (is_plain(path) && is_for(engine, database_of_socket(path))) places.push_back({"", 0, path});
  }
  return places;
}

std::string commented(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    out.append("  # ").append(text.substr(0, end)).append("\n");
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

std::string write_engine(const Engine& engine, const std::vector<DatabaseAddress>& places) {
  std::string block = std::string(engine.key) + ":\n";
  std::size_t number = 0;
  for (const auto& place : places) {
    ++number;
    const std::string name = number == 1 ? "main" : "main-" + std::to_string(number);
    std::string entry = "- name: " + name + "\n" + engine.connection(place);
    for (std::size_t line = 0; line < entry.size(); line = entry.find('\n', line) + 1) entry.insert(line, "  ");
    block += entry;
  }
  std::string text = "\n" + commented(engine.to_do);
  if (engine.to_do.empty()) text = "\n";
  return text + commented(block);
}

}  // namespace

std::vector<std::string> other_traces_of_databases(const Findings& findings) {
  std::vector<std::string> lines;
  for (const auto& path : findings.machine.sockets) {
    const auto name = database_of_socket(path);
    if (!name.empty()) lines.push_back(std::string(name) + ": socket " + path);
  }
  for (const auto& peer : findings.machine.peers) {
    lines.push_back(std::string(database_on_port(peer.port)) + ": something here is connected to " + peer.address + ":" +
                    std::to_string(peer.port));
  }
  for (const auto& listener : findings.machine.unclaimed) {
    const auto name = database_on_port(listener.port);
    if (!name.empty()) {
      lines.push_back("by its number " + std::string(name) + ": port " + std::to_string(listener.port) + ", user " +
                      listener.user);
    }
  }
  return lines;
}

std::string write_databases(const Findings& findings) {
  std::string text;
  std::string sets;
  for (const auto& engine : engines) {
    const auto places = addresses_of(engine, findings);
    if (places.empty()) continue;
    text += write_engine(engine, places);
    sets += (sets.empty() ? "" : ", ") + std::string(engine.key);
  }
  if (text.empty()) return "";
  return "\n  # Databases can be asked as well. Take out the hash signs of those that you want, and add them to\n"
         "  # shipped_rules below: [" + sets + "].\n" + text.substr(1);
}

}  // namespace sidewatch::discovery
