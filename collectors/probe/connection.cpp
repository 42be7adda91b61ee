#include "collectors/probe/connection.h"

#include <netdb.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/link_local.h"

namespace sidewatch::probe {
namespace {

constexpr std::size_t read_at_once = 4096;

std::string refusal_text(const Address& address, int error) {
  return "no connection to " + address.text() + ": " + std::strerror(error);
}

}  // namespace

std::string Place::text() const {
  const bool bare = host.find(':') == std::string::npos;
  return (bare ? host : "[" + host + "]") + ":" + std::to_string(port);
}

std::optional<Place> parse_place(std::string_view text, int default_port) {
  Place place;
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    place.host = text.substr(1, end - 1);
    const auto rest = text.substr(end + 1);
    has_port = !rest.empty();
    if (has_port && rest.front() != ':') return std::nullopt;
    if (has_port) port = rest.substr(1);
  } else {
    const auto colon = text.find(':');
    has_port = colon != std::string_view::npos && colon == text.rfind(':');
    place.host = has_port ? text.substr(0, colon) : text;
    if (has_port) port = text.substr(colon + 1);
  }
  place.port = default_port;
  if (has_port) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), place.port);
    if (error != std::errc() || end != port.data() + port.size()) return std::nullopt;
  }
  const bool legal = !place.host.empty() && place.host.find_first_of(" /?#@[]") == std::string::npos;
  if (!legal || place.port < 1 || place.port > 65535) return std::nullopt;
  return place;
}

std::string why_not_ascii(std::string_view host) {
  const bool ascii = std::all_of(host.begin(), host.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (ascii) return "";
  return "'" + std::string(host) +
         "' has letters that DNS does not know: write the name as it stands there, such as xn--bcher-kva.example "
         "(the command idn2 tells it)";
}

Socket::~Socket() {
  if (fd_ >= 0) close(fd_);
}

Trouble timed_out(const std::string& what) { return {Reason::timeout, what + " in time"}; }

std::optional<Trouble> lookup_trouble(Background::Ended ended, const Lookup& lookup, const std::string& host) {
  const std::string name = "the name '" + host + "' ";
  switch (ended) {
    case Background::Ended::done: break;
    case Background::Ended::not_begun: return Trouble{Reason::not_run, no_thread_words(Work::names)};
    case Background::Ended::late:
    case Background::Ended::still_hangs: return Trouble{Reason::resolve, name + "is not resolved in time"};
  }
  if (lookup.error != 0) return Trouble{Reason::resolve, name + "is not resolved: " + gai_strerror(lookup.error)};
  if (lookup.addresses.empty()) return Trouble{Reason::resolve, name + "has no address"};
  return std::nullopt;
}

Task<std::optional<Trouble>> resolve(Surroundings& surroundings, Place place, Family family, TimePoint until,
                                     std::vector<Address>& addresses, Verdict& verdict) {
  const auto begin = steady_clock::now();
  Lookup lookup = look_up_address(place.host, family);
  if (lookup.error != 0) {
    auto looking = surroundings.names.find(surroundings.loop, place.host, family, until, lookup);
    const auto ended = co_await looking;
    if (ended == Background::Ended::done) verdict.add(dns_lookup_time_metric, seconds_since(begin));
    if (auto trouble = lookup_trouble(ended, lookup, place.host)) co_return trouble;
  } else {
    verdict.add_detail(dns_lookup_time_metric, 0);
  }
  addresses = std::move(lookup.addresses);
  for (auto& address : addresses) address.set_port(place.port);
  if (place.allow_link_local) co_return std::nullopt;
  std::erase_if(addresses, [](const Address& address) { return is_link_local(*address.get()); });
  if (!addresses.empty()) co_return std::nullopt;
  co_return Trouble{Reason::address_refused, "the address of '" + place.host +
                                                 "' is link-local, which is refused unless allow_link_local is true"};
}

Task<std::optional<Trouble>> Stream::connect(const std::vector<Address>& addresses, TimePoint until) {
  Trouble last = timed_out("no connection");
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const Address& address = addresses[i];
    const auto now = steady_clock::now();
    const auto share = now + (until - now) / static_cast<int>(addresses.size() - i);
    socket_ = Socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket_) co_return Trouble{Reason::internal, std::string("no socket: ") + std::strerror(errno)};
    family_ = address.family();
    int error = ::connect(socket_.get(), address.get(), address.size) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
      const bool writable = co_await loop_.writable(socket_.get(), share);
      if (!writable) {
        last = timed_out("no connection to " + address.text());
        continue;
      }
      socklen_t size = sizeof error;
      getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    }
    if (error == 0) co_return std::nullopt;
    last = {Reason::connect, refusal_text(address, error)};
  }
  co_return last;
}

// Nothing is sent or received while it is made, so a thread that is late does no harm to a socket that is closed by then.
Task<std::optional<Trouble>> Stream::make_tls(TlsSettings settings, Background& background, OwnErrand& errand,
                                              TimePoint until) {
  using Made = Result<std::unique_ptr<TlsClient>>;
  const auto made = std::make_shared<Made>(Error{"no TLS", ""});
  const bool reads_files = !settings.ca.empty() || !settings.cert.empty();
  std::function<void()> make = [made, settings, fd = socket_.get()] { *made = TlsClient::make(fd, settings); };
  if (reads_files) {
    auto making = errand.run(background, loop_, Work::keys, std::move(make), until);
    const auto ended = co_await making;
    if (ended == Background::Ended::not_begun) co_return Trouble{Reason::not_run, no_thread_words(Work::keys)};
    if (ended != Background::Ended::done) co_return timed_out("the files with the keys of TLS are not read");
  } else {
    make();
  }
  if (!*made) co_return Trouble{Reason::tls, made->error().text()};
  tls_ = std::move(*made).value();
  co_return std::nullopt;
}

Task<std::optional<Trouble>> Stream::begin_tls(TlsSettings settings, Background& background, OwnErrand& errand,
                                               TimePoint until) {
  auto making = make_tls(std::move(settings), background, errand, until);
  const auto trouble = co_await making;
  if (trouble) co_return trouble;
  while (true) {
    const auto step = tls_->shake_hands();
    bool ready = true;
    switch (step.state) {
      case TlsClient::State::done: co_return std::nullopt;
      case TlsClient::State::wants_read: ready = co_await loop_.readable(socket_.get(), until); break;
      case TlsClient::State::wants_write: ready = co_await loop_.writable(socket_.get(), until); break;
      case TlsClient::State::closed:
        co_return Trouble{Reason::tls, "the other side ended the connection within the TLS handshake"};
      case TlsClient::State::failed:
        co_return Trouble{step.certificate ? Reason::certificate : Reason::tls, "no TLS: " + step.trouble};
    }
    if (!ready) co_return timed_out("the TLS handshake is not done");
  }
}

Task<std::optional<Trouble>> Stream::write(std::string bytes, TimePoint until) {
  std::string_view left = bytes;
  while (!left.empty()) {
    bool reads = false;
    if (tls_) {
      const auto step = tls_->write(left);
      if (step.state == TlsClient::State::closed || step.state == TlsClient::State::failed) {
        co_return Trouble{Reason::disconnected, "the connection broke: " + step.trouble};
      }
      left.remove_prefix(step.bytes);
      if (step.state == TlsClient::State::done) continue;
      reads = step.state == TlsClient::State::wants_read;
    } else {
      const auto sent = ::send(socket_.get(), left.data(), left.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        co_return Trouble{Reason::disconnected, std::string("the connection broke: ") + std::strerror(errno)};
      }
      if (sent > 0) left.remove_prefix(static_cast<std::size_t>(sent));
      if (sent > 0) continue;
    }
    bool ready = false;
    if (reads) {
      ready = co_await loop_.readable(socket_.get(), until);
    } else {
      ready = co_await loop_.writable(socket_.get(), until);
    }
    if (!ready) co_return timed_out("nothing can be sent");
  }
  co_return std::nullopt;
}

Task<std::optional<Trouble>> Stream::read(TimePoint until) {
  std::array<char, read_at_once> bytes{};
  while (true) {
    bool writes = false;
    if (tls_) {
      const auto step = tls_->read(bytes.data(), bytes.size());
      if (step.state == TlsClient::State::done && step.bytes > 0) {
        unread_.append(bytes.data(), step.bytes);
        co_return std::nullopt;
      }
      if (step.state == TlsClient::State::closed || step.state == TlsClient::State::failed) {
        co_return Trouble{Reason::disconnected, "the other side ended the connection"};
      }
      writes = step.state == TlsClient::State::wants_write;
    } else {
      const auto count = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
      if (count > 0) {
        unread_.append(bytes.data(), static_cast<std::size_t>(count));
        co_return std::nullopt;
      }
      if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
        co_return Trouble{Reason::disconnected, "the other side ended the connection"};
      }
    }
    bool ready = false;
    if (writes) {
      ready = co_await loop_.writable(socket_.get(), until);
    } else {
      ready = co_await loop_.readable(socket_.get(), until);
    }
    if (!ready) co_return timed_out("no answer came");
  }
}

}  // namespace sidewatch::probe
