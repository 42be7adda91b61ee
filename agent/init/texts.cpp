#include "agent/init/texts.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "collectors/proc_file.h"

namespace sidewatch::discovery {
namespace {

constexpr std::size_t word_digits = 8;  // the kernel prints addresses as words of 32 bits, in its own byte order

// "0100007F" or 32 digits; a v4 address in v6's clothes is a v4 address.
std::optional<std::string> parse_address(std::string_view hex) {
  std::array<unsigned char, 16> bytes{};
  const std::size_t words = hex.size() / word_digits;
  if (hex.size() % word_digits != 0 || (words != 1 && words != 4)) return std::nullopt;
  for (std::size_t i = 0; i < words; ++i) {
    const auto word = parse_hex(hex.substr(i * word_digits, word_digits));
    if (!word) return std::nullopt;
    const auto narrow = static_cast<std::uint32_t>(*word);
    std::memcpy(bytes.data() + 4 * i, &narrow, 4);
  }
  static constexpr std::array<unsigned char, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const bool is_mapped = words == 4 && std::equal(mapped.begin(), mapped.end(), bytes.begin());
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (words == 1 || is_mapped) {
    inet_ntop(AF_INET, bytes.data() + (is_mapped ? 12 : 0), text.data(), text.size());
    return std::string(text.data());
  }
  inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
  return "[" + std::string(text.data()) + "]";
}

struct EndPoint {
  std::string address;
  std::uint16_t port = 0;
};

std::optional<EndPoint> parse_end_point(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto address = parse_address(text.substr(0, colon));
  const auto port = parse_hex(text.substr(colon + 1));
  if (!address || !port || *port > 0xffff) return std::nullopt;
  return EndPoint{std::move(*address), static_cast<std::uint16_t>(*port)};
}

}  // namespace

std::optional<SocketLine> parse_socket_line(std::string_view line) {
  // "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 12345 ..."
  std::array<std::string_view, 10> word;
  for (auto& w : word) w = next_field(line);
  if (!word[0].ends_with(':')) return std::nullopt;
  auto local = parse_end_point(word[1]);
  auto remote = parse_end_point(word[2]);
  const auto uid = parse_u64(word[7]);
  const auto inode = parse_u64(word[9]);
  if (!local || !remote || !uid || *uid > 0xffffffffu || !inode) return std::nullopt;
  SocketLine socket;
  if (word[3] == "0A") socket.state = SocketLine::State::listening;
  if (word[3] == "01") socket.state = SocketLine::State::established;
  socket.local_address = std::move(local->address);
  socket.local_port = local->port;
  socket.remote_address = std::move(remote->address);
  socket.remote_port = remote->port;
  socket.uid = static_cast<std::uint32_t>(*uid);
  socket.inode = *inode;
  return socket;
}

std::optional<std::string> parse_unix_listener(std::string_view line) {
  // "0000000000000000: 00000002 00000000 00010000 0001 01 12345 /run/redis/redis.sock"
  constexpr std::uint64_t accepts_connections = 0x10000;
  std::array<std::string_view, 7> word;
  for (auto& w : word) w = next_field(line);
  const auto flags = parse_hex(word[3]);
  const auto path = trim(line);
  if (!flags || (*flags & accepts_connections) == 0 || word[4] != "0001" || !path.starts_with('/')) return std::nullopt;
  return std::string(path);
}

std::string user_name(std::string_view passwd, std::uint32_t uid) {
  const std::string number = std::to_string(uid);
  for (std::string_view line; next_line(passwd, line);) {
    const auto first = line.find(':');
    const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos || first == 0) continue;
    if (line.substr(second + 1, number.size() + 1) == number + ":") return std::string(line.substr(0, first));
  }
  return number;
}

}  // namespace sidewatch::discovery
