#include "agent/init/services.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "agent/init/conditions.h"
#include "agent/init/programs.h"

namespace sidewatch::discovery {
namespace {

constexpr std::size_t max_watched = 32;
constexpr std::size_t max_considered = 128;
constexpr std::size_t max_waiting = 8;
constexpr std::size_t max_generations = 64;

// Where a distribution puts its own programs.
bool is_of_the_distribution(std::string_view path) {
  if (path.starts_with("/usr/local/")) return false;
  return path.starts_with("/usr/") || path.starts_with("/bin/") || path.starts_with("/sbin/") || path.starts_with("/lib");
}

std::string listed(const std::vector<Listener>& listeners) {
  std::set<std::uint16_t> ports;
  for (const auto& listener : listeners) ports.insert(listener.port);
  std::string text = ports.size() == 1 ? "port " : "ports ";
  for (const auto port : ports) text += (port == *ports.begin() ? "" : ", ") + std::to_string(port);
  return text;
}

// By port and address, each once.
void sort_listeners(std::vector<Listener>& listeners) {
  const auto key = [](const Listener& listener) { return std::tie(listener.port, listener.address); };
  std::sort(listeners.begin(), listeners.end(), [&key](const Listener& a, const Listener& b) { return key(a) < key(b); });
  const auto same = [&key](const Listener& a, const Listener& b) { return key(a) == key(b); };
  listeners.erase(std::unique(listeners.begin(), listeners.end(), same), listeners.end());
}

class Finder {
 public:
  explicit Finder(const Machine& machine) : machine_(machine) {
    for (const Process& process : machine.processes) {
      by_pid_[process.pid] = all_.size();
      all_.push_back({&process, identify(process)});
    }
  }

  Services find() {
    for (std::size_t i = 0; i < all_.size(); ++i) sort_in(i);
    gather_relatives();
    Services found;
    for (const auto& [key, members] : watched_) {
      if (found.watched.size() < max_considered) found.watched.push_back(service(members));
    }
    for (const auto& [key, members] : waiting_) {
      if (found.waiting.size() < max_waiting && !is_part_of_a_service(key, members)) {
        found.waiting.push_back(service(members));
      }
    }
    merge_alike(found.watched);
    merge_alike(found.waiting);
    order(found.watched);
    order(found.waiting);
    const std::size_t not_considered = watched_.size() - std::min(watched_.size(), max_considered);
    found.more = not_considered + found.watched.size() - std::min(found.watched.size(), max_watched);
    found.watched.resize(std::min(found.watched.size(), max_watched));
    name_all(found);
    found.left_out.assign(left_out_.begin(), left_out_.end());
    return found;
  }

 private:
  // Unit, program, script, and for a program that many things run, the name: who agrees in these is one service.
  using Key = std::tuple<std::string, std::string, std::string, std::string>;

  void sort_in(std::size_t i) {
    const KnownProcess& known = all_[i];
    const ProgramKind kind = known.identity.kind();
    if (kind == ProgramKind::system || kind == ProgramKind::agent) {
      if (!known.process->listeners.empty()) {
        left_out_.insert(known.identity.program + " (" + listed(known.process->listeners) + ")");
      }
      return;
    }
    const bool serves = !known.process->listeners.empty() || kind == ProgramKind::database || kind == ProgramKind::server;
    const std::size_t root = root_of(i);
    if (serves || runs_by_itself(all_[root])) {
      watched_[key_of(all_[root])].insert(i);
    } else if (kind == ProgramKind::interpreter && is_somebodys_own(known)) {
      waiting_[key_of(all_[root])].insert(i);
    }
  }

  // A server's workers do not all hold its socket.
  void gather_relatives() {
    for (std::size_t i = 0; i < all_.size(); ++i) {
      const auto found = watched_.find(key_of(all_[root_of(i)]));
      if (found != watched_.end()) found->second.insert(i);
    }
  }

  // The main process of a container, or of a systemd service that somebody made, or what a supervisor in it started.
  bool runs_by_itself(const KnownProcess& known) const {
    const Process& process = *known.process;
    if (process.ppid == 0) return machine_.place != Place::host && is_somebodys_own(known);
    const auto parent = by_pid_.find(process.ppid);
    const bool has_parent = parent != by_pid_.end();
    if (!process.container.empty() && has_parent && all_[parent->second].process->container.empty()) return true;
    if (!is_somebodys_own(known)) return false;
    const bool helps = has_parent && all_[parent->second].process->unit == process.unit &&
                       is_somebodys_own(all_[parent->second]);
    return !process.unit.empty() && !helps;
  }

  static bool is_somebodys_own(const KnownProcess& known) {
    const bool interprets = known.identity.kind() == ProgramKind::interpreter;
    const std::string& path = interprets ? known.identity.script : known.process->exe;
    return !path.empty() && !is_of_the_distribution(path);
  }

  // The oldest ancestor that runs the same.
  std::size_t root_of(std::size_t i) const {
    for (std::size_t generation = 0; generation < max_generations; ++generation) {
      const auto parent = by_pid_.find(all_[i].process->ppid);
      if (parent == by_pid_.end() || !(all_[parent->second].identity == all_[i].identity)) break;
      i = parent->second;
    }
    return i;
  }

  static Key key_of(const KnownProcess& root) {
    const Identity& identity = root.identity;
    const bool anonymous = identity.kind() == ProgramKind::interpreter && identity.script.empty();
    std::string own = anonymous ? root.process->comm : "";
    if (anonymous && !is_telling_comm(root)) own = std::to_string(root.process->pid);
    return {root.process->unit, identity.program, identity.script, own};
  }

  Service service(const std::set<std::size_t>& members) const {
    std::vector<bool> own(all_.size(), false);
    std::size_t leader = *members.begin();
    const std::string& unit = all_[leader].process->unit;
    const bool owns_unit = !unit.empty() && services_in(unit) <= 1;
    for (std::size_t i = 0; i < all_.size(); ++i) {
      own[i] = members.contains(i) || descends_from(i, members) || (owns_unit && all_[i].process->unit == unit);
    }
    Service found;
    found.processes = members.size();
    for (const std::size_t i : members) {
      const Process& process = *all_[i].process;
      if (all_[leader].process->listeners.empty() && !process.listeners.empty()) leader = i;
      found.listeners.insert(found.listeners.end(), process.listeners.begin(), process.listeners.end());
    }
    sort_listeners(found.listeners);
    describe(all_[leader], found);
    auto recognition = recognise(all_, own, leader);
    found.match = std::move(recognition.match);
    found.others = recognition.others;
    return found;
  }

  // How many services there are in a unit: of several, each is called after its script and not after the unit.
  std::size_t services_in(const std::string& unit) const {
    return static_cast<std::size_t>(
        std::count_if(watched_.begin(), watched_.end(), [&unit](const auto& one) { return std::get<0>(one.first) == unit; }));
  }

  void describe(const KnownProcess& leader, Service& found) const {
    const Process& process = *leader.process;
    const Identity& identity = leader.identity;
    found.name = group_name(identity, process, services_in(process.unit) > 1 ? "" : process.unit);
    const bool has_title = identity.known && !identity.known->title.empty();
    found.title = has_title ? std::string(identity.known->title) : identity.program;
    if (!identity.script.empty()) found.title += " " + identity.script;
    found.user = process.user;
    found.unit = process.unit;
    found.container = process.container;
    found.is_database = identity.kind() == ProgramKind::database;
    found.may_be_asked = !found.is_database;
    found.other_network = process.other_network;
  }

  bool descends_from(std::size_t i, const std::set<std::size_t>& members) const {
    for (std::size_t generation = 0; generation < max_generations; ++generation) {
      const auto parent = by_pid_.find(all_[i].process->ppid);
      if (parent == by_pid_.end()) return false;
      if (members.contains(parent->second)) return true;
      i = parent->second;
    }
    return false;
  }

  // A helper that a watched service started belongs to it already.
  bool is_part_of_a_service(const Key& key, const std::set<std::size_t>& members) const {
    return watched_.contains(key) || std::any_of(watched_.begin(), watched_.end(), [&](const auto& watched) {
             return descends_from(*members.begin(), watched.second);
           });
  }

  // Services that nothing tells apart (one image in several containers) are one group; those that nothing can be said
  // about are none.
  static void merge_alike(std::vector<Service>& services) {
    std::vector<Service> merged;
    for (auto& one : services) {
      if (one.match.empty()) continue;
      const auto same = std::find_if(merged.begin(), merged.end(),
                                     [&one](const Service& other) { return other.match == one.match; });
      if (same == merged.end()) {
        merged.push_back(std::move(one));
        continue;
      }
      same->processes += one.processes;
      same->others -= std::min(same->others, one.processes);
      same->listeners.insert(same->listeners.end(), one.listeners.begin(), one.listeners.end());
      sort_listeners(same->listeners);
      if (same->unit != one.unit) same->unit.clear();
      if (same->container != one.container) same->container.clear();
    }
    services = std::move(merged);
  }

  static void order(std::vector<Service>& services) {
    const auto port = [](const Service& one) { return one.listeners.empty() ? 0x10000 : int{one.listeners.front().port}; };
    std::stable_sort(services.begin(), services.end(), [&port](const Service& a, const Service& b) {
      return std::tuple(port(a), a.name, a.title) < std::tuple(port(b), b.name, b.title);
    });
  }

  static void name_all(Services& found) {
    std::set<std::string> names;
    for (auto* services : {&found.watched, &found.waiting}) {
      for (auto& one : *services) {
        const std::string plain = one.name;
        if (names.contains(one.name) && !one.listeners.empty()) {
          one.name = plain + "-" + std::to_string(one.listeners.front().port);
        }
        for (int number = 2; !names.insert(one.name).second; ++number) one.name = plain + "-" + std::to_string(number);
      }
    }
  }

  const Machine& machine_;
  std::vector<KnownProcess> all_;
  std::map<pid_t, std::size_t> by_pid_;
  std::map<Key, std::set<std::size_t>> watched_;
  std::map<Key, std::set<std::size_t>> waiting_;
  std::set<std::string> left_out_;
};

}  // namespace

Services find_services(const Machine& machine) { return Finder(machine).find(); }

}  // namespace sidewatch::discovery
