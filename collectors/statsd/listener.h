// The sockets that lines arrive at: datagrams (UDP, Unix) many at a time, streams (TCP, Unix) line by line.
//
// One thread, no waiting but in epoll. What the kernel had to drop because nobody read in time is counted by itself
// (SO_MEMINFO; SO_RXQ_OVFL would tell the same number, but only with the next datagram). Everything that can be held open is
// bounded: a stream more than the limit closes the one that has been silent longest, a line longer than a buffer is left
// out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sidewatch::statsd {

enum class Transport : std::uint8_t { udp, tcp, unix_datagram, unix_stream };
inline constexpr std::size_t transport_count = 4;
std::string_view to_string(Transport transport);  // "udp", "tcp", "unixgram", "unix"

// Where to listen, out of "udp://127.0.0.1:8125", "tcp://[::1]:8125", "unixgram:///run/app.sock", "unix:///run/app.sock".
struct Endpoint {
  Transport transport = Transport::udp;
  std::string host;  // an address, or empty for every one of IPv4
  std::string port;
  std::string path;  // of a Unix socket
};
Result<Endpoint> parse_endpoint(std::string_view text);
// Whether other machines may get there: anything but the loopback and Unix sockets.
bool is_open_to_others(const Endpoint& endpoint);

class Listener {
 public:
  using Take = std::function<void(std::string_view)>;  // whole lines, with newlines between them
  using Pause = std::function<void()>;

  // Both are called from `receive` alone: `take` with what arrives, `pause` when what was there at once has been taken.
  explicit Listener(Take take, Pause pause = {});
  ~Listener();

  // Opens one more; an Error says what to do. Unix sockets may be written by everybody unless `mode` says otherwise; one
  // that is there already is replaced when nobody listens at it.
  Result<void> open(const Endpoint& endpoint, unsigned mode = 0666);

  // Takes what arrives until `wake` can be read. Connections that could not be accepted wait for the next call.
  void receive(int wake);

  struct Counts {
    std::array<std::uint64_t, transport_count> packets{};  // datagrams, and reads of streams
    std::array<std::uint64_t, transport_count> bytes{};
    std::array<std::uint64_t, transport_count> dropped{};  // datagrams, by the kernel
    std::uint64_t cut = 0;          // datagrams and lines that were longer than a buffer
    std::uint64_t streams_closed = 0;  // to make room for another
    std::uint64_t streams = 0;      // open now
    std::uint64_t accept_failures = 0;  // connections had to wait: for want of descriptors or memory
  };
  const Counts& counts();  // by the thread that receives; asks the kernel for what it dropped, with and without traffic
  int port() const;  // of the first UDP or TCP socket, where it was chosen by the kernel

  static constexpr std::size_t max_datagram = std::size_t{16} << 10;
  static constexpr std::size_t max_streams = 64;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sidewatch::statsd
