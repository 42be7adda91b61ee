// The addresses that the agent listens on: reading them, binding them, and saying clearly why one cannot be had.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace sidewatch {

// An open file descriptor that closes itself.
class HttpSocket {
 public:
  HttpSocket() = default;
  explicit HttpSocket(int descriptor) : descriptor_(descriptor) {}
  HttpSocket(HttpSocket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  HttpSocket& operator=(HttpSocket&& other) noexcept;
  ~HttpSocket() { close(); }

  int get() const { return descriptor_; }
  explicit operator bool() const { return descriptor_ >= 0; }
  void close();

 private:
  int descriptor_ = -1;
};

struct HttpAddress {
  enum class Kind { ipv4, ipv6, any, unix_path };
  Kind kind = Kind::ipv4;
  std::string host;  // an address without brackets; the path of a Unix socket
  std::uint16_t port = 0;

  std::string text() const;  // "127.0.0.1:9766", "[::1]:9766", ":9766", "unix:/run/sidewatch.sock"
};

// Error::what without a place: "'example:80' has a name where an IP address belongs, ...".
Result<HttpAddress> parse_http_address(std::string_view text);

// A socket that listens. A Unix socket has mode 0660; one left over by a process that is gone is replaced, a living one
// or anything that is not a socket is left alone. Its file is removed at the end, if it is still ours.
class HttpListener {
 public:
  static Result<HttpListener> open(const HttpAddress& address);
  HttpListener(HttpListener&&) noexcept = default;
  HttpListener& operator=(HttpListener&&) noexcept = default;
  ~HttpListener();

  int descriptor() const { return socket_.get(); }
  const HttpAddress& address() const { return address_; }  // with the port that was taken

 private:
  HttpListener(HttpSocket socket, HttpAddress address) : socket_(std::move(socket)), address_(std::move(address)) {}
  HttpSocket socket_;
  HttpAddress address_;
  std::uint64_t inode_ = 0;  // of the Unix socket's file
};

}  // namespace sidewatch
