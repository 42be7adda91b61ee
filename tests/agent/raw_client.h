// A client on a bare socket for tests: sends exactly the bytes it is given, and waits for answers with a deadline.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sidewatch {

class RawClient {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds patience{20'000};

  explicit RawClient(int port, int receive_buffer = 0) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  explicit RawClient(const std::string& path) : descriptor_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    connected_ = ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  RawClient(RawClient&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), connected_(other.connected_), buffer_(std::move(other.buffer_)) {}
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient() { close(); }

  bool connected() const { return connected_; }
  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

  // False when the server has closed.
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  struct Response {
    int status = 0;
    std::string head;  // without the empty line
    std::string body;
  };

  // The next response, or nothing when the server closes or takes too long. `head_only`: of a HEAD request.
  std::optional<Response> response(bool head_only = false) { return response_within(patience, head_only); }

  std::optional<Response> response_within(std::chrono::milliseconds time, bool head_only = false) {
    const auto until = Clock::now() + time;
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive(until)) return std::nullopt;
    }
    Response response;
    response.head = buffer_.substr(0, end);
    buffer_.erase(0, end + 4);
    if (response.head.size() > 12) response.status = std::atoi(response.head.c_str() + 9);
    const std::size_t field = response.head.find("Content-Length: ");
    const std::size_t length =
        head_only || field == std::string::npos ? 0 : std::stoul(response.head.substr(field + 16));
    while (buffer_.size() < length) {
      if (!receive(until)) return std::nullopt;
    }
    response.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return response;
  }

  std::optional<Response> get(const std::string& path) {
    if (!send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n")) return std::nullopt;
    return response();
  }

  // Whether the server closes without sending anything more, within the patience.
  bool closed() {
    while (receive(Clock::now() + patience)) {
    }
    return ended_ && buffer_.empty();
  }

  // Throws away what is there, waiting for it; false when the server has closed.
  bool take_waiting() {
    buffer_.clear();
    return receive(Clock::now() + patience);
  }

  std::size_t take_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    const ssize_t received = ::recv(descriptor_, bytes.data(), count, MSG_DONTWAIT);
    return received > 0 ? static_cast<std::size_t>(received) : 0;
  }

 private:
  bool receive(Clock::time_point until) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd waited{descriptor_, POLLIN, 0};
    if (left <= 0 || ::poll(&waited, 1, static_cast<int>(left)) <= 0) return false;
    std::array<char, 65536> bytes;
    const ssize_t received = ::recv(descriptor_, bytes.data(), bytes.size(), 0);
    ended_ = received <= 0;
    if (ended_) return false;
    buffer_.append(bytes.data(), static_cast<std::size_t>(received));
    return true;
  }

  int descriptor_ = -1;
  bool connected_ = false;
  bool ended_ = false;
  std::string buffer_;
};

}  // namespace sidewatch
