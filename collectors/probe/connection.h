// Names, addresses and streams, for checks that speak a protocol of their own: the waits are the event loop's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/tls_client.h"
#include "collectors/probe/address.h"
#include "collectors/probe/check.h"
#include "collectors/probe/task.h"

namespace sidewatch::probe {

// Where a check goes: host and port as the configuration has them.
struct Place {
  std::string host;  // a name or an address without brackets
  int port = 0;
  bool allow_link_local = false;
  std::string text() const;  // "[::1]:53"
};
// "host:port", "[::1]:53"; without a port `default_port`, which 0 makes a mistake.
std::optional<Place> parse_place(std::string_view text, int default_port);

// What is wrong with a host's name that is not ASCII; empty: nothing. The system's resolver does not find it as it is
// written, and libcurl would look for another one, on a thread of its own.
std::string why_not_ascii(std::string_view host);

// A file descriptor that closes itself.
class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

// The addresses of a host, in the order in which they are to be tried; a Trouble when there is none. An address needs
// no thread. Writes probe_dns_lookup_time_seconds.
Task<std::optional<Trouble>> resolve(Surroundings& surroundings, Place place, Family family, TimePoint until,
                                     std::vector<Address>& addresses, Verdict& verdict);

// A connected stream, plain or with TLS.
class Stream {
 public:
  explicit Stream(EventLoop& loop) : loop_(loop) {}

  // Tries the addresses in turn, each for its share of the time.
  Task<std::optional<Trouble>> connect(const std::vector<Address>& addresses, TimePoint until);
  // Files that `settings` name are read by `errand`.
  Task<std::optional<Trouble>> begin_tls(TlsSettings settings, Background& background, OwnErrand& errand,
                                         TimePoint until);
  Task<std::optional<Trouble>> write(std::string bytes, TimePoint until);

  // Appends what has come to unread(): at least a byte. "disconnected" where the other side ended it.
  Task<std::optional<Trouble>> read(TimePoint until);
  std::string& unread() { return unread_; }

  int family() const { return family_; }
  const TlsClient* tls() const { return tls_.get(); }

 private:
  Task<std::optional<Trouble>> make_tls(TlsSettings settings, Background& background, OwnErrand& errand,
                                        TimePoint until);
  EventLoop& loop_;
  Socket socket_;
  int family_ = 0;
  std::unique_ptr<TlsClient> tls_;
  std::string unread_;
};

Trouble timed_out(const std::string& what);

// What a name's lookup that ended so means for the check.
std::optional<Trouble> lookup_trouble(Background::Ended ended, const Lookup& lookup, const std::string& host);

}  // namespace sidewatch::probe
