// The texts of /proc that tell who listens and who is connected, and whose number is whose: pure functions.
//
// Nothing is trusted: a torn or strange line gives nothing. Formats: proc(5), the kernel's proc_net_tcp.rst, passwd(5).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sidewatch::discovery {

// One line of /proc/net/tcp or tcp6.
struct SocketLine {
  enum class State { listening, established, other };
  State state = State::other;
  std::string local_address;
  std::uint16_t local_port = 0;
  std::string remote_address;
  std::uint16_t remote_port = 0;
  std::uint32_t uid = 0;
  std::uint64_t inode = 0;
};
std::optional<SocketLine> parse_socket_line(std::string_view line);

// The path of a listening stream socket from a line of /proc/net/unix; nothing for any other, and for abstract names.
std::optional<std::string> parse_unix_listener(std::string_view line);

// The name of a user in the text of /etc/passwd; the number itself where it has none.
std::string user_name(std::string_view passwd, std::uint32_t uid);

}  // namespace sidewatch::discovery
