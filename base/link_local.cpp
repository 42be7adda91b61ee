#include "base/link_local.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

namespace sidewatch {
namespace {

bool is_v4_link_local(const in_addr& address) { return (ntohl(address.s_addr) >> 16) == 0xA9FE; }  // 169.254/16

bool is_v6_link_local(const in6_addr& address) {
  if (IN6_IS_ADDR_LINKLOCAL(&address)) return true;
  if (!IN6_IS_ADDR_V4MAPPED(&address)) return false;
  in_addr mapped{};
  std::memcpy(&mapped, address.s6_addr + 12, sizeof mapped);
  return is_v4_link_local(mapped);
}

}  // namespace

bool is_link_local(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    return is_v4_link_local(v4.sin_addr);
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof v6);
    return is_v6_link_local(v6.sin6_addr);
  }
  return false;
}

bool is_link_local_address(const std::string& text) {
  in_addr v4{};
  in6_addr v6{};
  return (inet_pton(AF_INET, text.c_str(), &v4) == 1 && is_v4_link_local(v4)) ||
         (inet_pton(AF_INET6, text.c_str(), &v6) == 1 && is_v6_link_local(v6));
}

}  // namespace sidewatch
