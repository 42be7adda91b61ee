// First the sockets of each network namespace, then every process with those that it holds, then the machine itself
// (agent/init/surroundings.cpp).
#include "agent/init/look.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "agent/init/programs.h"
#include "agent/init/surroundings.h"
#include "agent/init/texts.h"
#include "base/errand.h"
#include "collectors/proc_file.h"
#include "collectors/process/cgroup_membership.h"
#include "collectors/process/process_text.h"

namespace sidewatch::discovery {
namespace {

constexpr std::size_t max_processes = 32'768;
constexpr std::size_t max_namespaces = 64;
constexpr std::size_t max_descriptors = 65'536;    // of one process
constexpr std::size_t max_arguments_bytes = 4096;  // a script's path is near the beginning
constexpr std::size_t max_peers = 64;
constexpr std::size_t shown_id_digits = 12;  // of a container, as `docker ps` shows it
constexpr pid_t kthreadd = 2;

using SocketMap = std::map<std::uint64_t, Listener>;  // by inode

bool reached_by_loopback(const std::string& address) {
  return address == "0.0.0.0" || address == "[::]" || address.starts_with("127.") || address == "[::1]";
}

// One look at everything under a root.
class Look {
 public:
  explicit Look(const LookOptions& options)
      : options_(options), proc_(options.root + "/proc"), etc_(options.root + "/etc") {}

  Machine take() {
    passwd_ = etc_.read("passwd", buffer_).text;
    const std::string whose = options_.root.empty() ? "self" : "1";  // in a container's /host/proc, self is the container
    const bool is_told = static_cast<bool>(proc_.read((whose + "/net/tcp").c_str(), buffer_));
    const std::string net = is_told ? whose + "/net" : "net";
    read_namespace(net, own_listeners_, &machine_.peers);
    read_unix_sockets(net);
    if (proc_.read_link((whose + "/ns/net").c_str(), own_namespace_) != 0) own_namespace_.clear();
    read_processes();
    claim_own_listeners();
    tell_what_was_hidden();
    look_around(options_, proc_, machine_);
    return std::move(machine_);
  }

 private:
  void read_namespace(const std::string& folder, SocketMap& listeners, std::vector<Peer>* peers) {
    std::set<Peer> found;
    for (const char* file : {"/tcp", "/tcp6"}) {
      auto text = proc_.read((folder + file).c_str(), buffer_).text;
      for (std::string_view line; next_line(text, line);) {
        auto socket = parse_socket_line(line);
        if (!socket) continue;
        if (socket->state == SocketLine::State::established && !database_on_port(socket->remote_port).empty() &&
            !reached_by_loopback(socket->remote_address) && found.size() < max_peers) {
          found.insert({socket->remote_address, socket->remote_port});
        }
        if (socket->state != SocketLine::State::listening) continue;
        const bool loopback = reached_by_loopback(socket->local_address);
        listeners[socket->inode] = {std::move(socket->local_address), socket->local_port, socket->inode,
                                    user_name(passwd_, socket->uid), loopback};
      }
    }
    if (peers != nullptr) peers->assign(found.begin(), found.end());
  }

  void read_unix_sockets(const std::string& folder) {
    std::set<std::string> paths;
    auto text = proc_.read((folder + "/unix").c_str(), buffer_).text;
    for (std::string_view line; next_line(text, line);) {
      if (auto path = parse_unix_listener(line)) paths.insert(std::move(*path));
    }
    machine_.sockets.assign(paths.begin(), paths.end());
  }

  void read_processes() {
    std::vector<pid_t> pids;
    const int failed = proc_.list(".", buffer_, [&pids](std::string_view name) {
      const auto pid = parse_u64(name);
      if (pid && *pid > 0 && *pid <= 0x7fffffff) pids.push_back(static_cast<pid_t>(*pid));
    });
    if (failed != 0) machine_.skipped.push_back("processes: " + proc_.path() + ": " + std::strerror(failed));
    std::sort(pids.begin(), pids.end());
    if (pids.size() > max_processes) {
      pids.resize(max_processes);
      machine_.skipped.push_back("all but the first " + std::to_string(max_processes) + " processes");
    }
    const bool hides_others = options_.root.empty() && failed == 0 && (pids.empty() || pids.front() != 1);
    if (hides_others) machine_.skipped.push_back("processes of other users, which /proc hides (hidepid): run as root");
    for (const pid_t pid : pids) read_process(pid);
  }

  void read_process(pid_t pid) {
    const std::string folder = std::to_string(pid);
    const auto stat_text = proc_.read((folder + "/stat").c_str(), buffer_);
    const auto stat = stat_text ? parse_stat(stat_text.text) : std::nullopt;
    if (!stat || pid == kthreadd || stat->ppid == kthreadd || stat->state == 'Z' || pid == options_.own_pid) return;
    Process process;
    process.pid = pid;
    process.ppid = stat->ppid;
    process.comm = stat->comm;
    read_link(folder + "/exe", process.exe);
    read_link(folder + "/cwd", process.directory);
    read_arguments(folder, process);
    read_user(folder, process);
    const auto cgroup = proc_.read((folder + "/cgroup").c_str(), buffer_).text;
    process.unit = service_of(cgroup);
    process.container = container_id_of(cgroup).substr(0, shown_id_digits);
    read_listeners(folder, process);
    machine_.processes.push_back(std::move(process));
  }

  void read_link(const std::string& path, std::string& target) {
    constexpr std::string_view deleted = " (deleted)";
    if (proc_.read_link(path.c_str(), target) != 0) target.clear();
    if (target.ends_with(deleted)) target.resize(target.size() - deleted.size());
  }

  void read_arguments(const std::string& folder, Process& process) {
    auto text = proc_.read((folder + "/cmdline").c_str(), buffer_).text.substr(0, max_arguments_bytes);
    while (!text.empty()) {
      const auto end = std::min(text.find('\0'), text.size());
      process.args.emplace_back(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  void read_user(const std::string& folder, Process& process) {
    auto text = proc_.read((folder + "/status").c_str(), buffer_).text;
    for (std::string_view line; next_line(text, line);) {
      if (!line.starts_with("Uid:")) continue;
      next_field(line);
      next_field(line);  // the real one; the effective one is next
      const auto uid = parse_u64(next_field(line));
      if (uid && *uid <= 0xffffffffu) process.user = user_name(passwd_, static_cast<std::uint32_t>(*uid));
    }
  }

  void read_listeners(const std::string& folder, Process& process) {
    const SocketMap& listeners = listeners_seen_by(folder, process);
    std::size_t left = max_descriptors;
    std::vector<std::string> names;
    const int failed = proc_.list((folder + "/fd").c_str(), buffer_, [&](std::string_view name) {
      if (left == 0) return;
      --left;
      names.emplace_back(name);
    });
    if (failed != 0) {
      if (file_status(failed) != FileStatus::gone) ++hidden_;
      return;
    }
    std::string target;
    std::set<std::pair<std::uint16_t, std::string>> seen;
    for (const auto& name : names) {
      if (proc_.read_link((folder + "/fd/" + name).c_str(), target) != 0) continue;
      const auto inode = parse_socket_link(target);
      const auto listener = inode ? listeners.find(*inode) : listeners.end();
      if (listener == listeners.end()) continue;
      claimed_.insert(*inode);
      if (seen.insert({listener->second.port, listener->second.address}).second) {
        process.listeners.push_back(listener->second);
      }
    }
    std::sort(process.listeners.begin(), process.listeners.end(), [](const Listener& a, const Listener& b) {
      return std::tie(a.port, a.address) < std::tie(b.port, b.address);
    });
  }

  // A container's processes listen in a network namespace of their own, which their files under /proc show.
  const SocketMap& listeners_seen_by(const std::string& folder, Process& process) {
    std::string name;
    if (proc_.read_link((folder + "/ns/net").c_str(), name) != 0 || name == own_namespace_) return own_listeners_;
    process.other_network = !own_namespace_.empty();
    const auto known = other_listeners_.find(name);
    if (known != other_listeners_.end()) return known->second;
    if (other_listeners_.size() >= max_namespaces) return own_listeners_;
    SocketMap& listeners = other_listeners_[name];
    read_namespace(folder + "/net", listeners, nullptr);
    return listeners;
  }

  void claim_own_listeners() {
    for (const auto& [inode, listener] : own_listeners_) {
      if (!claimed_.contains(inode)) machine_.unclaimed.push_back(listener);
    }
    std::sort(machine_.unclaimed.begin(), machine_.unclaimed.end(), [](const Listener& a, const Listener& b) {
      return std::tie(a.port, a.address) < std::tie(b.port, b.address);
    });
  }

  void tell_what_was_hidden() {
    if (hidden_ == 0) return;
    machine_.skipped.push_back("the open files of " + std::to_string(hidden_) +
                               " processes of other users (run as root to see whose every port is)");
  }

  const LookOptions& options_;
  const ProcDir proc_;
  const ProcDir etc_;
  ReadBuffer buffer_;
  std::string passwd_;
  std::string own_namespace_;
  SocketMap own_listeners_;
  std::map<std::string, SocketMap> other_listeners_;  // by network namespace
  std::set<std::uint64_t> claimed_;
  std::size_t hidden_ = 0;
  Machine machine_;
};

}  // namespace

Machine look(const LookOptions& options) { return Look(options).take(); }

Result<Machine> look_within(const LookOptions& options, Duration patience) {
  const auto machine = std::make_shared<Machine>();
  const auto errand = std::make_shared<Errand>([options, machine] { *machine = look(options); });
  ErrandRunner runner;
  switch (runner.send(errand, patience)) {
    case ErrandRunner::Outcome::done: return std::move(*machine);
    case ErrandRunner::Outcome::late: break;
    case ErrandRunner::Outcome::no_thread: return Error{"the machine has no thread to spare", ""};
  }
  return Error{"not done after " + std::to_string(patience.count() / 1000) + " s: some process hangs in the kernel",
               options.root + "/proc"};
}

}  // namespace sidewatch::discovery
