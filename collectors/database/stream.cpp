#include "collectors/database/stream.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/tls_client.h"

namespace sidewatch::database {
namespace {

Failure unreachable(const Address& address, const std::string& why) {
  return {FailureKind::unreachable, "cannot connect to " + address.text() + ": " + why, true};
}

Failure lost(const std::string& why) { return {FailureKind::lost, why, true}; }

// With TLS 1.3 a server that refuses our certificate says so only when it is asked something.
Failure broken(const TlsClient::Step& step) {
  if (!step.certificate) return lost("the connection broke: " + step.trouble);
  return {FailureKind::login_refused, "the server ended the TLS connection: " + step.trouble, true};
}

Failure no_answer() { return {FailureKind::timeout, "the server did not answer in time", true}; }

std::string words_of(int error_number) {
  if (error_number == ECONNREFUSED) return "connection refused: is the server running, and is this its address?";
  if (error_number == ENOENT) return "there is no such socket: is the server running?";
  if (error_number == EACCES) return "permission denied: the agent's user may not use this socket";
  return std::strerror(error_number);
}

struct SocketAddress {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

// A host that is an address already; asks nobody. False when it is a name.
bool add_address(const std::string& host, int port, std::vector<SocketAddress>& found) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | AI_NUMERICHOST;
  addrinfo* first = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &first) != 0) return false;
  SocketAddress address;
  std::memcpy(&address.bytes, first->ai_addr, first->ai_addrlen);
  address.size = first->ai_addrlen;
  found.push_back(address);
  freeaddrinfo(first);
  return true;
}

std::optional<Failure> resolve(const Address& address, std::optional<Resolver>& resolver, const Deadline& deadline,
                               std::vector<SocketAddress>& found) {
  if (add_address(address.host, address.port, found)) return std::nullopt;
  if (!resolver) resolver.emplace();
  std::vector<std::string> hosts;
  if (auto failure = resolver->resolve(address.host, deadline.left(), hosts)) return failure;
  for (const auto& host : hosts) add_address(host, address.port, found);
  return std::nullopt;
}

std::optional<Failure> socket_address(const Address& address, SocketAddress& result) {
  sockaddr_un unix_address{};
  unix_address.sun_family = AF_UNIX;
  if (address.socket.size() >= sizeof(unix_address.sun_path)) {
    return unreachable(address, "the path of a socket has at most 107 characters");
  }
  std::memcpy(unix_address.sun_path, address.socket.c_str(), address.socket.size() + 1);
  std::memcpy(&result.bytes, &unix_address, sizeof(unix_address));
  result.size = sizeof(unix_address);
  return std::nullopt;
}

// A connected socket, or -1 and `error_number` (ETIMEDOUT when the deadline is over).
int connect_to(const SocketAddress& address, const Deadline& deadline, int& error_number) {
  const int fd = socket(address.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  error_number = errno;
  if (fd < 0) return -1;
  const int at_once = 1;
  if (address.bytes.ss_family != AF_UNIX) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
  int result = connect(fd, reinterpret_cast<const sockaddr*>(&address.bytes), address.size) == 0 ? 0 : errno;
  if (result == EINPROGRESS) {
    result = ETIMEDOUT;
    socklen_t size = sizeof result;
    if (await(fd, POLLOUT, deadline) != 0) getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &size);
  }
  if (result == EAGAIN) result = ETIMEDOUT;  // a Unix socket whose queue is full: its server takes nobody in
  if (result == 0) return fd;
  close(fd);
  error_number = result;
  return -1;
}

}  // namespace

Stream::Stream(int fd) : fd_(fd) {}

Stream::~Stream() {
  tls_.reset();
  close(fd_);
}

bool Stream::wait(short events, const Deadline& deadline) const { return await(fd_, events, deadline) != 0; }

std::optional<Failure> Stream::write(std::string_view bytes, const Deadline& deadline) {
  while (!bytes.empty()) {
    short wanted = POLLOUT;
    std::size_t sent = 0;
    if (tls_) {
      const auto step = tls_->write(bytes);
      if (step.state == TlsClient::State::failed) return broken(step);
      if (step.state == TlsClient::State::closed) return lost("the server closed the connection");
      sent = step.bytes;
      if (step.state == TlsClient::State::wants_read) wanted = POLLIN;
    } else {
      const ssize_t count = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno != EAGAIN) return lost(std::string("the connection broke: ") + std::strerror(errno));
      sent = count < 0 ? 0 : static_cast<std::size_t>(count);
    }
    bytes.remove_prefix(sent);
    if (sent == 0 && !wait(wanted, deadline)) return no_answer();
  }
  return std::nullopt;
}

std::optional<Failure> Stream::read(std::string& bytes, const Deadline& deadline) {
  const std::size_t before = bytes.size();
  while (true) {
    short wanted = POLLIN;
    bytes.resize(before + kMostAtOnce);
    ssize_t count = -1;
    if (tls_) {
      const auto step = tls_->read(bytes.data() + before, kMostAtOnce);
      bytes.resize(before + step.bytes);
      if (step.state == TlsClient::State::failed) return broken(step);
      if (step.state == TlsClient::State::closed) return lost("the server closed the connection");
      if (step.state == TlsClient::State::done) return std::nullopt;
      if (step.state == TlsClient::State::wants_write) wanted = POLLOUT;
    } else {
      count = recv(fd_, bytes.data() + before, kMostAtOnce, 0);
      const int error_number = errno;
      bytes.resize(before + (count > 0 ? static_cast<std::size_t>(count) : 0));
      if (count > 0) return std::nullopt;
      if (count == 0) return lost("the server closed the connection");
      if (error_number == EINTR) continue;
      if (error_number != EAGAIN) return lost(std::string("the connection broke: ") + std::strerror(error_number));
    }
    if (!wait(wanted, deadline)) return no_answer();
  }
}

std::optional<Failure> Stream::begin_tls(const TlsConfig& tls, const std::string& host, const Deadline& deadline) {
  const TlsSettings settings{.verify_certificate = tls.mode != TlsMode::require,
                             .verify_name = tls.mode == TlsMode::verify_full,
                             .name = tls.server_name.empty() ? host : tls.server_name,
                             .ca = tls.ca,
                             .cert = tls.cert,
                             .key = tls.key};
  auto made = TlsClient::make(fd_, settings);
  if (!made) return Failure{FailureKind::other, "TLS: " + made.error().text(), true};
  tls_ = std::move(*made);
  while (true) {
    const auto step = tls_->shake_hands();
    if (step.state == TlsClient::State::done) return std::nullopt;
    if (step.state == TlsClient::State::closed) {
      return lost("the server ended the TLS handshake: does it speak TLS at this port?");
    }
    if (step.state == TlsClient::State::failed) {
      const auto kind = step.certificate ? FailureKind::login_refused : FailureKind::malformed;
      return Failure{kind, "the TLS handshake failed: " + step.trouble, true};
    }
    if (!wait(step.state == TlsClient::State::wants_write ? POLLOUT : POLLIN, deadline)) return no_answer();
  }
}

Dialer::Dialer(Address address, std::optional<TlsConfig> tls) : address_(std::move(address)), tls_(std::move(tls)) {}

std::optional<Failure> Dialer::dial(const Deadline& deadline, std::unique_ptr<Stream>& stream) {
  std::vector<SocketAddress> candidates;
  auto failure = address_.socket.empty() ? resolve(address_, resolver_, deadline, candidates)
                                         : socket_address(address_, candidates.emplace_back());
  if (failure) return failure;
  int error_number = ENOENT;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Deadline share(deadline.left() / static_cast<long>(candidates.size() - i));
    const int fd = connect_to(candidates[i], share, error_number);
    if (fd < 0) continue;
    stream.reset(new Stream(fd));
    if (!tls_ || tls_->mode == TlsMode::off) return std::nullopt;
    failure = stream->begin_tls(*tls_, address_.host, deadline);
    if (failure) stream.reset();
    return failure;
  }
  auto result = unreachable(address_, words_of(error_number));
  if (error_number == ETIMEDOUT) result.kind = FailureKind::timeout;
  return result;
}

}  // namespace sidewatch::database
