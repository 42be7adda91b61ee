// A stream of bytes to a server, over TCP or a Unix socket, plain or with TLS, in which every wait has a deadline.
//
// For the engines whose protocol is our own business (Redis, memcached). The socket never blocks: each call works and
// polls until it is done or its deadline is over, whatever the other side does: a server that was stopped still takes
// connections (the kernel does that for it) and never answers. Names are resolved on another thread, for a resolver
// keeps nobody's deadline.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "collectors/database/config.h"
#include "collectors/database/deadline.h"
#include "collectors/database/failure.h"
#include "collectors/database/resolver.h"

namespace sidewatch {
class TlsClient;
}

namespace sidewatch::database {

class Stream {
 public:
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // All of it.
  std::optional<Failure> write(std::string_view bytes, const Deadline& deadline);

  // Appends what has come: one byte at least, and at most kMostAtOnce.
  std::optional<Failure> read(std::string& bytes, const Deadline& deadline);

  static constexpr std::size_t kMostAtOnce = std::size_t{16} << 10;

 private:
  friend class Dialer;
  explicit Stream(int fd);
  bool wait(short events, const Deadline& deadline) const;
  std::optional<Failure> begin_tls(const TlsConfig& tls, const std::string& host, const Deadline& deadline);

  const int fd_;
  std::unique_ptr<TlsClient> tls_;
};

// Makes streams to one address. All addresses of a name are tried, each for its share of the time that is left.
class Dialer {
 public:
  Dialer(Address address, std::optional<TlsConfig> tls);
  std::optional<Failure> dial(const Deadline& deadline, std::unique_ptr<Stream>& stream);
  const Address& address() const { return address_; }

 private:
  const Address address_;
  const std::optional<TlsConfig> tls_;
  std::optional<Resolver> resolver_;  // from the first name on: an address needs none
};

}  // namespace sidewatch::database
