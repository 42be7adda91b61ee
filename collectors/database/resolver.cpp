#include "collectors/database/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

namespace sidewatch::database {
namespace {

struct Lookup {
  std::string host;
  int error = 0;
  std::vector<std::string> addresses;
};

void look_up(Lookup& lookup) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  lookup.error = getaddrinfo(lookup.host.c_str(), nullptr, &hints, &found);
  if (lookup.error == EAI_NONAME || lookup.error == EAI_ADDRFAMILY) {
    hints.ai_flags = 0;  // a machine that has only a loopback interface knows 127.0.0.1 all the same
    lookup.error = getaddrinfo(lookup.host.c_str(), nullptr, &hints, &found);
  }
  if (lookup.error != 0) return;
  for (const addrinfo* one = found; one != nullptr && lookup.addresses.size() < Resolver::most_addresses;
       one = one->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) continue;
    if (std::find(lookup.addresses.begin(), lookup.addresses.end(), text.data()) == lookup.addresses.end()) {
      lookup.addresses.emplace_back(text.data());
    }
  }
  freeaddrinfo(found);
}

bool is_address(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 || inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

Failure unreachable(std::string text) { return {FailureKind::unreachable, std::move(text), false}; }

}  // namespace

std::optional<Failure> Resolver::resolve(const std::string& host, Duration patience,
                                         std::vector<std::string>& addresses) {
  addresses.clear();
  if (is_address(host)) {  // needs no thread
    addresses.push_back(host);
    return std::nullopt;
  }
  const auto lookup = std::make_shared<Lookup>();
  lookup->host = host;
  const auto errand = std::make_shared<Errand>([lookup] { look_up(*lookup); });
  switch (runner_.send(errand, patience)) {
    case ErrandRunner::Outcome::done: break;
    case ErrandRunner::Outcome::late:
      return Failure{FailureKind::timeout,
                     "the name '" + host + "' is not resolved in time: the name servers do not answer", false};
    case ErrandRunner::Outcome::no_thread:
      return unreachable("the name '" + host + "' is not resolved: earlier lookups still wait for the name servers");
  }
  if (lookup->error != 0) {
    return unreachable("the name '" + host + "' is not resolved: " + gai_strerror(lookup->error));
  }
  addresses = std::move(lookup->addresses);
  if (addresses.empty()) return unreachable("the name '" + host + "' has no address");
  return std::nullopt;
}

}  // namespace sidewatch::database
