#include "agent/http/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <string>

namespace sidewatch {
namespace {

bool is_loopback(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    return ntohl(reinterpret_cast<const sockaddr_in&>(storage).sin_addr.s_addr) >> 24 == 127;
  }
  const auto& address = reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&address) || (IN6_IS_ADDR_V4MAPPED(&address) && address.s6_addr[12] == 127);
}

std::string address_text(const sockaddr_storage& storage) {
  char text[INET6_ADDRSTRLEN] = {};
  if (storage.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(storage).sin_addr, text, sizeof text);
    return text;
  }
  const auto& address = reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    inet_ntop(AF_INET, &address.s6_addr[12], text, sizeof text);
  } else {
    inet_ntop(AF_INET6, &address, text, sizeof text);
  }
  return text;
}

}  // namespace

HttpPeer peer_of(int descriptor, const sockaddr_storage& remote) {
  if (remote.ss_family != AF_INET && remote.ss_family != AF_INET6) return {"unix", true, true, true};
  sockaddr_storage local{};
  socklen_t length = sizeof local;
  const bool known = ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&local), &length) == 0;
  return {address_text(remote), is_loopback(remote), known && is_loopback(local), false};
}

}  // namespace sidewatch
