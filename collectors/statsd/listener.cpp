#include "collectors/statsd/listener.h"

#include <linux/sock_diag.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/descriptor.h"
#include "collectors/statsd/stream_lines.h"

namespace sidewatch::statsd {
namespace {

constexpr std::size_t batch = 64;        // datagrams per call
// Buffers whose distance is a power of two would share the same few lines of the processor's caches.
constexpr std::size_t apart = Listener::max_datagram + 5 * 64;
constexpr int wanted_buffer = 8 << 20;   // bytes that may wait in the kernel while a pass is written
constexpr int backlog = 64;
constexpr int batches_in_a_row = 16;     // of one socket, before the others and `wake` are looked at
// When much arrives, whoever reads each datagram at once is woken for each: it costs less to let some come together, as many
// as have room in half of the socket's buffer should a million a second come. The smallest of buffers, 208 KiB, holds 270.
constexpr auto longest_rest = std::chrono::microseconds(1000);
constexpr int bytes_waiting = 768;       // that a small datagram takes of the buffer
constexpr auto soon = std::chrono::microseconds(300);

Error failed(const std::string& what, int error) { return Error{what + ": " + std::strerror(error), ""}; }

bool is_stream(Transport transport) { return transport == Transport::tcp || transport == Transport::unix_stream; }
bool is_unix(Transport transport) { return transport == Transport::unix_datagram || transport == Transport::unix_stream; }

// The socket file that an earlier life left behind. One at which somebody listens stays.
Result<void> remove_dead_socket(const Endpoint& endpoint, const sockaddr_un& address) {
  struct stat status {};
  if (lstat(endpoint.path.c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode)) return Error{endpoint.path + " is there already and is not a socket", ""};
  const Descriptor probe(socket(AF_UNIX, (is_stream(endpoint.transport) ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN) {
    return Error{"another program listens at " + endpoint.path, ""};
  }
  if (errno == ECONNREFUSED) unlink(endpoint.path.c_str());
  return {};
}

Result<Descriptor> open_unix(const Endpoint& endpoint, unsigned mode) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (endpoint.path.size() >= sizeof address.sun_path) return Error{"the path of the socket is too long", ""};
  endpoint.path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (auto removed = remove_dead_socket(endpoint, address); !removed) return removed.error();
  const int type = is_stream(endpoint.transport) ? SOCK_STREAM : SOCK_DGRAM;
  Descriptor socket(::socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return failed("cannot open a socket", errno);
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return failed("cannot listen at " + endpoint.path, errno);
  }
  if (chmod(endpoint.path.c_str(), mode) != 0) return failed("cannot open " + endpoint.path + " to others", errno);
  return socket;
}

Result<Descriptor> open_inet(const Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_socktype = is_stream(endpoint.transport) ? SOCK_STREAM : SOCK_DGRAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const char* const host = endpoint.host.empty() ? nullptr : endpoint.host.c_str();
  if (const int error = getaddrinfo(host, endpoint.port.c_str(), &hints, &found); error != 0) {
    return Error{"'" + endpoint.host + "' is not an address: " + gai_strerror(error), ""};
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  Descriptor socket(::socket(found->ai_family, found->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return failed("cannot open a socket", errno);
  const int on = 1;
  if (is_stream(endpoint.transport)) setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(socket.get(), found->ai_addr, found->ai_addrlen) != 0) {
    return failed("cannot listen at " + endpoint.host + ":" + endpoint.port, errno);
  }
  return socket;
}

// How long a socket may be left alone.
std::chrono::microseconds rest_of(int socket) {
  int buffer = 0;
  socklen_t size = sizeof buffer;
  if (getsockopt(socket, SOL_SOCKET, SO_RCVBUF, &buffer, &size) != 0) return {};
  return std::min(longest_rest, std::chrono::microseconds(buffer / bytes_waiting / 2));
}

void rest_unless_woken(int wake, std::chrono::microseconds rest) {
  pollfd bell{wake, POLLIN, 0};
  const timespec patience{0, std::chrono::nanoseconds(rest).count()};
  (void)ppoll(&bell, 1, &patience, nullptr);
}

}  // namespace

std::string_view to_string(Transport transport) {
  switch (transport) {
    case Transport::udp: return "udp";
    case Transport::tcp: return "tcp";
    case Transport::unix_datagram: return "unixgram";
    case Transport::unix_stream: break;
  }
  return "unix";
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto wrong = [&](const char* why) {
    return Error{"'" + std::string(text) + "' " + why + "; write udp://127.0.0.1:8125, tcp://127.0.0.1:8125, " +
                     "unixgram:///run/app/statsd.sock or unix:///run/app/statsd.sock",
                 ""};
  };
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return wrong("does not say how (udp://, tcp://, unixgram:// or unix://)");
  const auto scheme = text.substr(0, scheme_end);
  const auto rest = text.substr(scheme_end + 3);
  Endpoint endpoint;
  bool known = false;
  for (const auto transport : {Transport::udp, Transport::tcp, Transport::unix_datagram, Transport::unix_stream}) {
    if (scheme != to_string(transport)) continue;
    endpoint.transport = transport;
    known = true;
  }
  if (!known) return wrong("begins with none of udp://, tcp://, unixgram:// and unix://");
  if (is_unix(endpoint.transport)) {
    if (!rest.starts_with('/')) return wrong("has no absolute path");
    endpoint.path = rest;
    return endpoint;
  }
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == rest.size()) return wrong("has no port");
  endpoint.port = rest.substr(colon + 1);
  auto host = rest.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  endpoint.host = host == "localhost" ? "127.0.0.1" : std::string(host);
  const bool digits = endpoint.port.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || endpoint.port.size() > 5 || std::stoi(endpoint.port) > 65535) return wrong("has no port");
  return endpoint;
}

bool is_open_to_others(const Endpoint& endpoint) {
  return !is_unix(endpoint.transport) && !endpoint.host.starts_with("127.") && endpoint.host != "::1";
}

struct Listener::State {
  struct Source {
    Descriptor socket;
    Transport transport;
    bool listening = false;  // a stream socket that takes connections
    bool waiting = false;    // it takes none at the moment
    std::string path;        // to be removed at the end
    StreamLines lines{max_datagram};  // of a stream
    std::uint32_t kernel_drops = 0;
    std::uint64_t heard = 0;  // when it said something last, in rounds
  };

  State(Take what, Pause then) : take(std::move(what)), pause(std::move(then)), epoll(epoll_create1(EPOLL_CLOEXEC)) {
    buffers.resize(batch * apart);
    for (std::size_t i = 0; i < batch; ++i) {
      vectors[i] = {buffers.data() + i * apart, max_datagram};
      messages[i].msg_hdr.msg_iov = &vectors[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
  }

  Result<void> watch(std::unique_ptr<Source> source) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = source.get();
    if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, source->socket.get(), &event) != 0) return failed("epoll", errno);
    sources.push_back(std::move(source));
    return {};
  }

  void expect(Source& listening, bool connections) {
    epoll_event event{};
    event.events = connections ? EPOLLIN : 0U;
    event.data.ptr = &listening;
    listening.waiting = !connections;
    epoll_ctl(epoll.get(), EPOLL_CTL_MOD, listening.socket.get(), &event);
  }

  void drop(const Source* source) {
    if (is_stream(source->transport) && !source->listening) --counts.streams;
    std::erase_if(sources, [&](const auto& one) { return one.get() == source; });
  }

  bool receive_datagrams(Source& source);
  int receive_batch(Source& source);
  void note_drops(Source& source);
  void accept_streams(Source& source);
  void close_most_silent();
  void read_stream(Source& source);

  Take take;
  Pause pause;
  Descriptor epoll;
  std::vector<std::unique_ptr<Source>> sources;
  std::vector<char> buffers;
  std::array<iovec, batch> vectors{};
  std::array<mmsghdr, batch> messages{};
  std::chrono::microseconds rest = longest_rest;  // that all sockets allow
  Counts counts;
  std::uint64_t round = 0;
};

Listener::Listener(Take take, Pause pause) : state_(std::make_unique<State>(std::move(take), std::move(pause))) {}

Listener::~Listener() {
  for (const auto& source : state_->sources) {
    if (!source->path.empty()) unlink(source->path.c_str());
  }
}

const Listener::Counts& Listener::counts() {
  for (const auto& source : state_->sources) {
    if (source->transport == Transport::udp) state_->note_drops(*source);
  }
  return state_->counts;
}

int Listener::port() const {
  for (const auto& source : state_->sources) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (is_unix(source->transport)) continue;
    if (getsockname(source->socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) continue;
    if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
    return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
  }
  return 0;
}

Result<void> Listener::open(const Endpoint& endpoint, unsigned mode) {
  auto socket = is_unix(endpoint.transport) ? open_unix(endpoint, mode) : open_inet(endpoint);
  if (!socket) return socket.error();
  const int fd = socket->get();
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted_buffer, sizeof wanted_buffer) != 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted_buffer, sizeof wanted_buffer);  // as far as the machine allows
  }
  auto source = std::make_unique<State::Source>();
  source->socket = std::move(*socket);
  source->transport = endpoint.transport;
  source->path = endpoint.path;
  if (endpoint.transport == Transport::udp) state_->rest = std::min(state_->rest, rest_of(fd));
  if (is_stream(endpoint.transport)) {
    source->listening = true;
    if (listen(fd, backlog) != 0) return failed("cannot listen", errno);
  }
  return state_->watch(std::move(source));
}

void Listener::receive(int wake) {
  State& state = *state_;
  epoll_event event{};
  event.events = EPOLLIN;
  epoll_ctl(state.epoll.get(), EPOLL_CTL_ADD, wake, &event);  // its pointer is null
  for (const auto& source : state.sources) {
    if (source->waiting) state.expect(*source, true);
  }
  auto asked = std::chrono::steady_clock::now() - soon;
  for (bool awake = false; !awake;) {
    std::array<epoll_event, 16> events{};
    const int count = epoll_wait(state.epoll.get(), events.data(), static_cast<int>(events.size()), -1);
    bool may_rest = std::chrono::steady_clock::now() - asked < soon;
    ++state.round;
    for (int i = 0; i < count; ++i) {
      auto* const source = static_cast<State::Source*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (source == nullptr) {
        awake = true;
      } else if (source->listening) {
        state.accept_streams(*source);
        break;  // which may have closed another of these
      } else if (is_stream(source->transport)) {
        state.read_stream(*source);
      } else {
        may_rest = state.receive_datagrams(*source) && may_rest;
      }
    }
    if (count < 0 && errno != EINTR) break;
    if (state.pause) state.pause();
    if (!awake && may_rest) rest_unless_woken(wake, state.rest);
    asked = std::chrono::steady_clock::now();
  }
  epoll_ctl(state.epoll.get(), EPOLL_CTL_DEL, wake, nullptr);
}

// Whether the socket may be left alone for a while: it is empty, and who sends there is not held up by what waits (a Unix
// socket holds net.unix.max_dgram_qlen datagrams, which are 10 on many machines).
bool Listener::State::receive_datagrams(Source& source) {
  for (int i = 0; i < batches_in_a_row; ++i) {
    if (receive_batch(source) < static_cast<int>(batch)) return source.transport == Transport::udp;
  }
  return false;
}

int Listener::State::receive_batch(Source& source) {
  const auto transport = static_cast<std::size_t>(source.transport);
  const int count = recvmmsg(source.socket.get(), messages.data(), batch, MSG_DONTWAIT, nullptr);
  for (int i = 0; i < count; ++i) {
    const auto& message = messages[static_cast<std::size_t>(i)];
    std::string_view packet(static_cast<const char*>(message.msg_hdr.msg_iov->iov_base), message.msg_len);
    if ((message.msg_hdr.msg_flags & MSG_TRUNC) != 0) {
      ++counts.cut;  // its last line is not whole
      packet = packet.substr(0, packet.rfind('\n') == std::string_view::npos ? 0 : packet.rfind('\n'));
    }
    ++counts.packets[transport];
    counts.bytes[transport] += packet.size();
    take(packet);
  }
  return count;
}

void Listener::State::note_drops(Source& source) {
  std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t size = sizeof memory;
  if (getsockopt(source.socket.get(), SOL_SOCKET, SO_MEMINFO, memory.data(), &size) != 0) return;
  const std::uint32_t drops = memory[SK_MEMINFO_DROPS];  // since the socket was opened, modulo 2^32
  counts.dropped[static_cast<std::size_t>(source.transport)] += static_cast<std::uint32_t>(drops - source.kernel_drops);
  source.kernel_drops = drops;
}

void Listener::State::close_most_silent() {
  const auto streams = [](const auto& one) { return is_stream(one->transport) && !one->listening; };
  const Source* silent = nullptr;
  for (const auto& one : sources) {
    if (streams(one) && (silent == nullptr || one->heard < silent->heard)) silent = one.get();
  }
  if (silent == nullptr) return;
  ++counts.streams_closed;
  drop(silent);
}

void Listener::State::accept_streams(Source& listening) {
  const auto transport = listening.transport;
  Descriptor socket(accept4(listening.socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket) {
    // A connection that waits keeps the socket readable: who tries again at once does nothing else.
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return;
    ++counts.accept_failures;
    expect(listening, false);
    return;
  }
  if (counts.streams == max_streams) close_most_silent();
  auto stream = std::make_unique<Source>();
  stream->socket = std::move(socket);
  stream->transport = transport;
  stream->heard = round;
  if (watch(std::move(stream))) ++counts.streams;
}

void Listener::State::read_stream(Source& source) {
  const auto transport = static_cast<std::size_t>(source.transport);
  const auto count = recv(source.socket.get(), buffers.data(), buffers.size(), MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    source.lines.end(take);
    drop(&source);
    return;
  }
  ++counts.packets[transport];
  counts.bytes[transport] += static_cast<std::uint64_t>(count);
  source.heard = round;
  counts.cut += source.lines.add(std::string_view(buffers.data(), static_cast<std::size_t>(count)), take);
}

}  // namespace sidewatch::statsd
