#include "collectors/probe/names.h"

#include <netdb.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace sidewatch::probe {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_addresses = 8;
constexpr auto quick = 200ms;

int family_number(Family family) {
  return family == Family::ipv4 ? AF_INET : family == Family::ipv6 ? AF_INET6 : AF_UNSPEC;
}

Lookup ask_system(const std::string& host, Family family, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_family = family_number(family);
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  Lookup lookup;
  lookup.error = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (lookup.error != 0) return lookup;
  for (const addrinfo* one = found; one != nullptr && lookup.addresses.size() < most_addresses; one = one->ai_next) {
    Address address;
    std::memcpy(&address.bytes, one->ai_addr, one->ai_addrlen);
    address.size = one->ai_addrlen;
    lookup.addresses.push_back(address);
  }
  freeaddrinfo(found);
  return lookup;
}

// Every machine knows these without asking anybody.
bool is_of_this_machine(const std::string& host) { return host == "localhost" || host.ends_with(".localhost"); }

}  // namespace

struct Names::Flight {
  Lookup lookup;  // the other thread's until it has landed
  TimePoint begun = steady_clock::now();
  std::vector<Signal*> waiting;
};

std::string Address::text() const {
  std::array<char, NI_MAXHOST> text{};
  if (getnameinfo(get(), size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) return "?";
  return text.data();
}

void Address::set_port(int port) {
  const auto number = htons(static_cast<std::uint16_t>(port));
  if (bytes.ss_family == AF_INET) reinterpret_cast<sockaddr_in*>(&bytes)->sin_port = number;
  if (bytes.ss_family == AF_INET6) reinterpret_cast<sockaddr_in6*>(&bytes)->sin6_port = number;
}

Lookup look_up(const std::string& host, Family family) { return ask_system(host, family, AI_IDN); }

Lookup look_up_address(const std::string& host, Family family) { return ask_system(host, family, AI_NUMERICHOST); }

// Whose threads may look it up, best first.
std::vector<Work> Names::kinds_of(const Name& name) const {
  if (is_of_this_machine(name.first)) return {Work::local_names};
  if (quick_.contains(name)) return {Work::quick_names, Work::names};
  return {Work::names};
}

// Null when there is no thread for it.
std::shared_ptr<Names::Flight> Names::join_or_begin(const Name& name) {
  const auto found = under_way_.find(name);
  if (found != under_way_.end()) return found->second;
  const auto flight = std::make_shared<Flight>();
  const auto work = [flight, name, resolver = resolver_] {
    flight->lookup.error = EAI_MEMORY;  // where it throws
    flight->lookup = resolver(name.first, name.second);
  };
  for (const auto kind : kinds_of(name)) {
    if (!background_.send(kind, work, [this, name, flight] { land(name, flight); })) continue;
    under_way_.emplace(name, flight);
    return flight;
  }
  return nullptr;
}

void Names::land(const Name& name, const std::shared_ptr<Flight>& flight) {
  under_way_.erase(name);
  if (steady_clock::now() - flight->begun > quick) {
    quick_.erase(name);
  } else if (quick_.size() < most_known) {
    quick_.insert(name);
  }
  for (auto* const signal : flight->waiting) signal->set();
}

Task<Background::Ended> Names::find(EventLoop& loop, std::string host, Family family, TimePoint until, Lookup& found) {
  const Name name(std::move(host), family);
  const auto patience = patience_for_a_thread(until);
  auto flight = join_or_begin(name);
  while (!flight) {
    if (steady_clock::now() >= patience) co_return Background::Ended::not_begun;
    co_await loop.until(steady_clock::now() + pause_without_thread);
    flight = join_or_begin(name);
  }
  Signal landed;
  struct Waiting {
    Waiting(Flight& of, Signal& which) : flight(of), signal(which) { flight.waiting.push_back(&signal); }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() { std::erase(flight.waiting, &signal); }
    Flight& flight;
    Signal& signal;
  } const waiting(*flight, landed);
  const bool ended = co_await loop.signalled(landed, until);
  if (!ended) {
    quick_.erase(name);
    co_return Background::Ended::late;
  }
  found = flight->lookup;
  co_return Background::Ended::done;
}

}  // namespace sidewatch::probe
