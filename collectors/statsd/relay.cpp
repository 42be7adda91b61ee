#include "collectors/statsd/relay.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

namespace sidewatch::statsd {
namespace {

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

// Owned by the errand as well as by the target: nobody knows when it ends.
struct Lookup {
  std::string host;
  std::string port;
  int error = 0;
  std::optional<Address> found;
};

void look_up(Lookup& lookup, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  const char* const host = lookup.host.empty() ? "127.0.0.1" : lookup.host.c_str();
  lookup.error = getaddrinfo(host, lookup.port.c_str(), &hints, &found);
  lookup.found.reset();
  if (lookup.error != 0) return;
  Address address;
  address.size = found->ai_addrlen;
  std::memcpy(&address.bytes, found->ai_addr, found->ai_addrlen);
  lookup.found = address;
  freeaddrinfo(found);
}

Address address_of(const std::string& path) {
  Address address;
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  path.copy(local.sun_path, sizeof local.sun_path - 1);
  std::memcpy(&address.bytes, &local, sizeof local);
  address.size = sizeof local;
  return address;
}

bool same(const Address& a, const Address& b) { return a.size == b.size && std::memcmp(&a.bytes, &b.bytes, a.size) == 0; }

}  // namespace

struct Relay::Target {
  explicit Target(const Endpoint& to)
      : name(std::string(to_string(to.transport)) + "://" +
             (to.path.empty() ? (to.host.find(':') == std::string::npos ? to.host : "[" + to.host + "]") + ":" + to.port
                              : to.path)) {
    if (!to.path.empty()) {
      fixed = address_of(to.path);
      return;
    }
    lookup->host = to.host;
    lookup->port = to.port;
    look_up(*lookup, AI_NUMERICHOST | AI_NUMERICSERV);  // an address is its own, and nobody has to be asked
    fixed = lookup->found;
    errand = std::make_shared<Errand>([asked = lookup] { look_up(*asked, 0); });
  }
  ~Target() { close(); }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  void close() {
    if (socket >= 0) ::close(socket);
    socket = -1;
  }

  bool connect_to(const Address& address) {
    if (socket >= 0 && same(address, connected)) return true;
    close();
    socket = ::socket(address.bytes.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    connected = address;
    if (socket >= 0 && ::connect(socket, reinterpret_cast<const sockaddr*>(&address.bytes), address.size) == 0) return true;
    close();
    return false;
  }

  void send(std::string_view datagram, std::uint64_t lines) {
    // A refusal is told to whoever sends next, and keeps that back as well.
    constexpr int attempts = 2;
    for (int i = 0; socket >= 0 && i < attempts; ++i) {
      if (::send(socket, datagram.data(), datagram.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
        counts.lines += lines;
        return;
      }
      if (errno != ECONNREFUSED) break;
      if (connected.bytes.ss_family == AF_UNIX) close();  // whoever listens there anew has another socket
    }
    counts.dropped += lines;
  }

  const std::string name;
  std::optional<Address> fixed;  // of what is no name
  std::shared_ptr<Lookup> lookup = std::make_shared<Lookup>();
  std::shared_ptr<Errand> errand;
  bool asked = false;  // and not yet looked at what came
  std::optional<Time> resolved;
  Address connected;
  int socket = -1;
  Counts counts;
};

Relay::Relay(const std::vector<Endpoint>& targets) : lookups_(targets.size() + 1) {
  for (const auto& target : targets) targets_.push_back(std::make_unique<Target>(target));
  packed_.reserve(max_datagram);
}

Relay::~Relay() = default;

const Relay::Counts& Relay::counts(std::size_t target) const { return targets_[target]->counts; }
const std::string& Relay::name(std::size_t target) const { return targets_[target]->name; }

void Relay::take(std::string_view lines) {
  if (targets_.empty()) return;
  while (!lines.empty()) {
    const auto end = lines.find('\n');
    add_line(lines.substr(0, end));
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
  }
}

void Relay::add_line(std::string_view line) {
  if (line.empty()) return;
  if (packed_.size() + 1 + line.size() > max_datagram) flush();
  if (line.size() > max_datagram) {
    for (auto& target : targets_) target->send(line, 1);
    return;
  }
  if (!packed_.empty()) packed_ += '\n';
  packed_ += line;
  ++packed_lines_;
}

void Relay::flush() {
  if (packed_lines_ == 0) return;
  for (auto& target : targets_) target->send(packed_, packed_lines_);
  packed_.clear();
  packed_lines_ = 0;
}

std::string Relay::refresh(Time now) {
  std::string trouble;
  const auto tell = [&trouble](std::string text) {
    if (trouble.empty()) trouble = std::move(text);
  };
  for (auto& each : targets_) {
    Target& target = *each;
    if (target.fixed) {
      if (!target.connect_to(*target.fixed)) tell("nothing can be relayed to " + target.name + ": " + std::strerror(errno));
      continue;
    }
    const bool fresh = target.resolved && now - *target.resolved < fresh_for;
    if (fresh && target.socket >= 0) continue;
    if (!target.asked && !target.errand->under_way) {
      target.asked = lookups_.send(target.errand, patience) != ErrandRunner::Outcome::no_thread;
    }
    if (!target.asked || target.errand->under_way) {
      if (target.socket < 0) tell("the name in " + target.name + " is not resolved: the name servers do not answer");
      continue;
    }
    target.asked = false;
    const Lookup& answer = *target.lookup;
    if (!answer.found) {
      if (target.socket < 0) tell("the name in " + target.name + " is not resolved: " + gai_strerror(answer.error));
      target.resolved = now;  // where it led to before still counts, if it ever did
      continue;
    }
    target.resolved = now;
    if (!target.connect_to(*answer.found)) tell("nothing can be sent to " + target.name + ": " + std::strerror(errno));
  }
  return trouble;
}

}  // namespace sidewatch::statsd
