#include "agent/http/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace sidewatch {
namespace {

constexpr std::string_view unix_prefix = "unix:";
constexpr mode_t unix_mode = 0660;

Error reason_for(int code, const HttpAddress& address) {
  const std::string where = address.text();
  switch (code) {
    case EADDRINUSE:
      return {where + " is already in use; is another sidewatch running? choose another http.listen", ""};
    case EACCES:
      return {where + " may not be used by this user" +
                  (address.kind == HttpAddress::Kind::unix_path ? "; check the permissions of its folder"
                                                                : "; ports under 1024 need a privilege") +
                  ", or choose another http.listen",
              ""};
    case EADDRNOTAVAIL:
      return {where + " is not an address of this machine; choose another http.listen", ""};
    case EAFNOSUPPORT:
      return {where + " cannot be used: this machine has no IPv6; choose another http.listen", ""};
    case ENOENT:
      return {where + " cannot be made: its folder does not exist", ""};
    default:
      return {"cannot listen on " + where + ": " + std::strerror(code), ""};
  }
}

HttpSocket new_socket(int family) { return HttpSocket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); }

void set_option(const HttpSocket& socket, int level, int option, int value) {
  ::setsockopt(socket.get(), level, option, &value, sizeof value);
}

// Binds one TCP socket; 0 or errno.
int bind_tcp(const HttpAddress& address, int family, HttpSocket& socket) {
  socket = new_socket(family);
  if (!socket) return errno;
  set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1);
  sockaddr_storage storage{};
  socklen_t length = 0;
  if (family == AF_INET6) {
    set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, address.kind == HttpAddress::Kind::any ? 0 : 1);
    auto& in6 = reinterpret_cast<sockaddr_in6&>(storage);
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(address.port);
    in6.sin6_addr = in6addr_any;
    if (address.kind == HttpAddress::Kind::ipv6) inet_pton(AF_INET6, address.host.c_str(), &in6.sin6_addr);
    length = sizeof in6;
  } else {
    auto& in4 = reinterpret_cast<sockaddr_in&>(storage);
    in4.sin_family = AF_INET;
    in4.sin_port = htons(address.port);
    in4.sin_addr.s_addr = htonl(INADDR_ANY);
    if (address.kind == HttpAddress::Kind::ipv4) inet_pton(AF_INET, address.host.c_str(), &in4.sin_addr);
    length = sizeof in4;
  }
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&storage), length) != 0) return errno;
  return ::listen(socket.get(), SOMAXCONN) == 0 ? 0 : errno;
}

std::uint16_t port_of(const HttpSocket& socket) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &length);
  return ntohs(storage.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(storage).sin6_port
                                             : reinterpret_cast<sockaddr_in&>(storage).sin_port);
}

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// Makes way for a new socket; the error says what stands there.
Result<void> remove_stale(const HttpAddress& address) {
  struct stat status {};
  if (::lstat(address.host.c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode)) {
    return Error{address.text() + " cannot be made: a file that is not a socket is already there", ""};
  }
  const HttpSocket probe = new_socket(AF_UNIX);
  const sockaddr_un target = unix_address(address.host);
  const bool refused =
      probe && ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&target), sizeof target) != 0 &&
      errno == ECONNREFUSED;
  if (!refused) return reason_for(EADDRINUSE, address);
  ::unlink(address.host.c_str());
  return {};
}

// Binds a Unix socket; 0 or errno.
int bind_unix(const HttpAddress& address, HttpSocket& socket) {
  socket = new_socket(AF_UNIX);
  if (!socket) return errno;
  // The mode of an unbound socket becomes that of its file, less the umask: it is never open to more, not even shortly.
  ::fchmod(socket.get(), unix_mode);
  const sockaddr_un target = unix_address(address.host);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&target), sizeof target) != 0) return errno;
  if (::chmod(address.host.c_str(), unix_mode) != 0) return errno;
  return ::listen(socket.get(), SOMAXCONN) == 0 ? 0 : errno;
}

Result<HttpAddress> parse_unix(std::string_view path) {
  if (path.empty() || path.front() != '/') return Error{"a Unix socket needs an absolute path: unix:/run/sidewatch.sock", ""};
  if (path.size() >= sizeof(sockaddr_un::sun_path)) return Error{"the path of a Unix socket has at most 107 bytes", ""};
  return HttpAddress{HttpAddress::Kind::unix_path, std::string(path), 0};
}

}  // namespace

HttpSocket& HttpSocket::operator=(HttpSocket&& other) noexcept {
  if (this != &other) {
    close();
    descriptor_ = std::exchange(other.descriptor_, -1);
  }
  return *this;
}

void HttpSocket::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

std::string HttpAddress::text() const {
  switch (kind) {
    case Kind::ipv4: return host + ":" + std::to_string(port);
    case Kind::ipv6: return "[" + host + "]:" + std::to_string(port);
    case Kind::any: return ":" + std::to_string(port);
    case Kind::unix_path: return std::string(unix_prefix) + host;
  }
  return {};
}

Result<HttpAddress> parse_http_address(std::string_view text) {
  if (text.substr(0, unix_prefix.size()) == unix_prefix) return parse_unix(text.substr(unix_prefix.size()));
  const std::string quoted = "'" + std::string(text) + "'";
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return Error{quoted + " has no port; write for example 127.0.0.1:9766", ""};
  HttpAddress address;
  const std::string_view digits = text.substr(colon + 1);
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() || digits.empty()) {
    return Error{quoted + " has no valid port; a port is a number from 0 to 65535, as in 127.0.0.1:9766", ""};
  }
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  address.host = host == "localhost" ? "127.0.0.1" : std::string(host);
  unsigned char bytes[sizeof(in6_addr)];
  if (!bracketed && (host.empty() || host == "*")) {
    address.kind = HttpAddress::Kind::any;
    address.host.clear();
  } else if (bracketed && inet_pton(AF_INET6, address.host.c_str(), bytes) == 1) {
    address.kind = HttpAddress::Kind::ipv6;
  } else if (bracketed || inet_pton(AF_INET, address.host.c_str(), bytes) != 1) {
    return Error{quoted + " needs an IP address before the port, as in 127.0.0.1:9766, [::1]:9766 or :9766 (all)", ""};
  }
  return address;
}

Result<HttpListener> HttpListener::open(const HttpAddress& address) {
  HttpSocket socket;
  int failed = 0;
  switch (address.kind) {
    case HttpAddress::Kind::ipv4: failed = bind_tcp(address, AF_INET, socket); break;
    case HttpAddress::Kind::ipv6: failed = bind_tcp(address, AF_INET6, socket); break;
    case HttpAddress::Kind::any:
      failed = bind_tcp(address, AF_INET6, socket);
      if (failed != 0 && failed != EADDRINUSE) failed = bind_tcp(address, AF_INET, socket);  // a machine without IPv6
      break;
    case HttpAddress::Kind::unix_path:
      if (auto removed = remove_stale(address); !removed) return removed.error();
      failed = bind_unix(address, socket);
      break;
  }
  if (failed != 0) return reason_for(failed, address);
  HttpListener listener(std::move(socket), address);
  if (address.kind == HttpAddress::Kind::unix_path) {
    struct stat status {};
    if (::lstat(address.host.c_str(), &status) == 0) listener.inode_ = status.st_ino;
  } else {
    listener.address_.port = port_of(listener.socket_);
  }
  return listener;
}

HttpListener::~HttpListener() {
  if (!socket_ || inode_ == 0) return;
  struct stat status {};
  if (::lstat(address_.host.c_str(), &status) == 0 && status.st_ino == inode_) ::unlink(address_.host.c_str());
}

}  // namespace sidewatch
