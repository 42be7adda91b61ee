// Where a check connects to: the addresses that a host's name stands for.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

namespace sidewatch::probe {

enum class Family { any, ipv4, ipv6 };

// An address that can be connected to.
struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
  int family() const { return bytes.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes); }
  std::string text() const;  // without the port
  void set_port(int port);
};

}  // namespace sidewatch::probe
