// The loop: wait in epoll, let each connection that can go on do so, answer complete requests, close what is overdue.
//
// Handlers run right here, in answer(), the one place that calls them. Should slow ones ever be needed, answer() is
// where a request would go to a pool of workers (each with its own HttpRouter) and come back through the wake-up
// descriptor; a connection waiting in its `answering` state has no deadline and reads nothing, so nothing else changes.
#include "agent/http_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <mutex>
#include <system_error>
#include <thread>
#include <unordered_map>

#include "agent/http_access.h"
#include "agent/http_connection.h"
#include "agent/http_listener.h"
#include "agent/http_router.h"

namespace sidewatch {
namespace {

constexpr int accepts_at_once = 64;
constexpr int answers_at_once = 8;  // pipelined requests of one connection, before the others have their turn
constexpr Duration accept_pause{100};
constexpr std::size_t fewest_connections = 4;

// Connections get at most a quarter of the file descriptors, so that a crowd of clients cannot stop the rest of the
// agent from opening files.
std::size_t connection_cap(const HttpLimits& limits) {
  const auto configured = static_cast<std::size_t>(limits.max_connections);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return configured;
  return std::min(configured, std::max(fewest_connections, static_cast<std::size_t>(files.rlim_cur / 4)));
}

bool is_loopback(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    return ntohl(reinterpret_cast<const sockaddr_in&>(storage).sin_addr.s_addr) >> 24 == 127;
  }
  const auto& address = reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&address) || (IN6_IS_ADDR_V4MAPPED(&address) && address.s6_addr[12] == 127);
}

std::string address_text(const sockaddr_storage& storage) {
  char text[INET6_ADDRSTRLEN] = {};
  if (storage.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(storage).sin_addr, text, sizeof text);
    return text;
  }
  const auto& address = reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    inet_ntop(AF_INET, &address.s6_addr[12], text, sizeof text);
  } else {
    inet_ntop(AF_INET6, &address, text, sizeof text);
  }
  return text;
}

HttpPeer peer_of(int descriptor, const sockaddr_storage& remote) {
  if (remote.ss_family != AF_INET && remote.ss_family != AF_INET6) return {"unix", true, true, true};
  sockaddr_storage local{};
  socklen_t length = sizeof local;
  const bool known = ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&local), &length) == 0;
  return {address_text(remote), is_loopback(remote), known && is_loopback(local), false};
}

// RFC 9110 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(std::time_t seconds) {
  static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[utc.tm_wday % 7], utc.tm_mday,
                months[utc.tm_mon % 12], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
  return text;
}

struct AtomicCounters {
  std::atomic<std::uint64_t> connections{0}, accepted{0}, requests{0}, not_found{0}, malformed{0}, forbidden{0},
      handler_errors{0}, evicted{0}, timed_out{0}, accept_failures{0};
};

}  // namespace

struct HttpServer::Loop {
  Loop(const HttpConfig& config, std::vector<HttpRoute> routes)
      : limits(config.limits), cap(connection_cap(config.limits)), router(std::move(routes)),
        access(allowed_host_names(config.hosts)), epoll(::epoll_create1(EPOLL_CLOEXEC)),
        wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), reserve(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {}

  using Next = HttpConnection::Next;
  struct Client {
    HttpConnection connection;
    std::uint32_t interest = EPOLLIN;
  };

  void run();
  void turn(Time now);
  int patience_ms(Time now) const;
  void accept_from(const HttpListener& listener, Time now);
  bool accept_one(const HttpListener& listener, Time now);
  bool make_room(int listener);
  void add(HttpSocket socket, HttpPeer peer, Time now);
  bool watch(int descriptor);
  void evict_one();
  void go_on(int descriptor, Time now);
  void settle(int descriptor, Next next, Time now);
  Next answer(HttpConnection& connection, Time now);
  void close(int descriptor);
  void expire(Time now);
  void listen_again(Time now);
  void stop_listening();
  void set_listening(std::uint32_t events);
  const std::string& date();

  const HttpLimits limits;
  const std::size_t cap;
  HttpRouter router;
  HttpAccess access;
  HttpSocket epoll;
  HttpSocket wake;
  HttpSocket reserve;  // given up for a moment to take, and close, a connection for which there is no descriptor
  std::vector<HttpListener> listeners;
  std::vector<std::string> addresses;
  int port = 0;
  std::unordered_map<int, Client> clients;
  std::vector<int> unfinished;  // descriptors whose next request is already here
  std::optional<Time> paused_until;
  std::time_t date_second = 0;
  std::string date_text;
  SystemClock clock;
  AtomicCounters counters;

  std::mutex mutex;
  std::condition_variable ended_changed;
  bool ended = false;                  // guarded by mutex
  std::atomic<std::int64_t> stop_at{0};  // milliseconds of `clock` by when everything is closed; 0: not stopping
  bool draining = false;
  std::thread thread;
};

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpConfig& config, std::vector<HttpRoute> routes) {
  auto loop = std::make_unique<Loop>(config, std::move(routes));
  if (!loop->epoll || !loop->wake) return Error{std::string("cannot start the HTTP server: ") + std::strerror(errno), ""};
  for (const auto& place : config.listen) {
    auto address = parse_http_address(place.value);
    if (!address) return address.error();
    auto listener = HttpListener::open(*address);
    if (!listener) return listener.error();
    if (loop->port == 0) loop->port = listener->address().port;
    loop->addresses.push_back(listener->address().text());
    loop->listeners.push_back(std::move(*listener));
  }
  bool watched = loop->watch(loop->wake.get());
  for (const auto& listener : loop->listeners) watched = watched && loop->watch(listener.descriptor());
  if (!watched) return Error{std::string("cannot start the HTTP server: ") + std::strerror(errno), ""};
  auto* running = loop.get();
  try {
    loop->thread = std::thread([running] { running->run(); });
  } catch (const std::system_error& failure) {
    return Error{"cannot start the HTTP server: no thread for it: " + failure.code().message(), ""};
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(loop)));
}

HttpServer::HttpServer(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}

HttpServer::~HttpServer() {
  stop(Duration(1'000));
  if (loop_->thread.joinable()) loop_->thread.join();
}

bool HttpServer::stop(Duration patience) {
  if (!loop_->thread.joinable()) return true;
  loop_->stop_at = std::max<std::int64_t>(1, to_ms(loop_->clock.now() + patience));
  const std::uint64_t one = 1;
  (void)!::write(loop_->wake.get(), &one, sizeof one);
  {
    std::unique_lock lock(loop_->mutex);
    const auto until = std::chrono::steady_clock::now() + patience + std::chrono::milliseconds(100);
    if (!loop_->ended_changed.wait_until(lock, until, [&] { return loop_->ended; })) return false;
  }
  loop_->thread.join();
  return true;
}

int HttpServer::bound_port() const { return loop_->port; }

const std::vector<std::string>& HttpServer::addresses() const { return loop_->addresses; }

HttpCounters HttpServer::counters() const {
  const auto& now = loop_->counters;
  return {now.connections, now.accepted,       now.requests, now.not_found, now.malformed,
          now.forbidden,   now.handler_errors, now.evicted,  now.timed_out, now.accept_failures};
}

void HttpServer::Loop::run() {
  while (true) {
    turn(clock.now());
    if (draining && (clients.empty() || to_ms(clock.now()) >= stop_at)) break;
  }
  while (!clients.empty()) close(clients.begin()->first);
  const std::lock_guard lock(mutex);
  ended = true;
  ended_changed.notify_all();
}

void HttpServer::Loop::turn(Time before) {
  std::array<epoll_event, 64> events;
  const int count = ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), patience_ms(before));
  const Time now = clock.now();
  const std::vector<int> continued = std::exchange(unfinished, {});
  for (const int descriptor : continued) go_on(descriptor, now);
  for (int i = 0; i < count; ++i) {
    const int descriptor = events[static_cast<std::size_t>(i)].data.fd;
    const auto listener = std::find_if(listeners.begin(), listeners.end(),
                                       [&](const auto& each) { return each.descriptor() == descriptor; });
    if (descriptor == wake.get()) {
      stop_listening();
    } else if (listener != listeners.end()) {
      accept_from(*listener, now);
    } else {
      go_on(descriptor, now);
    }
  }
  listen_again(now);
  expire(now);
}

// How long epoll may sleep: until the nearest deadline, or for ever.
int HttpServer::Loop::patience_ms(Time now) const {
  if (!unfinished.empty()) return 0;
  Time next = Time::max();
  for (const auto& [descriptor, client] : clients) next = std::min(next, client.connection.deadline());
  if (paused_until) next = std::min(next, *paused_until);
  if (draining) next = std::min(next, time_at_ms(stop_at));
  if (next == Time::max()) return -1;
  return static_cast<int>(std::clamp<std::int64_t>((next - now).count(), 0, 60'000));
}

void HttpServer::Loop::accept_from(const HttpListener& listener, Time now) {
  for (int i = 0; i < accepts_at_once; ++i) {
    if (!accept_one(listener, now)) return;
  }
}

// False when there is nobody left to accept, or nothing to accept them with.
bool HttpServer::Loop::accept_one(const HttpListener& listener, Time now) {
  sockaddr_storage remote{};
  socklen_t length = sizeof remote;
  HttpSocket socket(::accept4(listener.descriptor(), reinterpret_cast<sockaddr*>(&remote), &length,
                              SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (socket) {
    ++counters.accepted;
    HttpPeer peer = peer_of(socket.get(), remote);
    add(std::move(socket), std::move(peer), now);
    return true;
  }
  switch (errno) {
    case EAGAIN: return false;
    case EMFILE:
    case ENFILE: return make_room(listener.descriptor());
    case ENOBUFS:
    case ENOMEM:
      ++counters.accept_failures;
      set_listening(0);
      paused_until = now + accept_pause;
      return false;
    default: return true;  // the connection failed before it was taken (accept(2)); the next one may be well
  }
}

// No descriptor is left. One of ours makes way for the newcomer; without one, the reserve is used to take the newcomer
// and close it, for a connection that is left waiting would wake the loop for ever. The kernel looks for a descriptor
// before it looks whether anybody waits, so that is asked first: nobody makes way for nobody.
bool HttpServer::Loop::make_room(int listener) {
  pollfd waiting{listener, POLLIN, 0};
  if (::poll(&waiting, 1, 0) == 0) return false;
  ++counters.accept_failures;
  if (!clients.empty()) {
    evict_one();
    return true;
  }
  reserve.close();
  HttpSocket(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  reserve = HttpSocket(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (reserve) return true;
  set_listening(0);
  paused_until = clock.now() + accept_pause;
  return false;
}

void HttpServer::Loop::add(HttpSocket socket, HttpPeer peer, Time now) {
  if (clients.size() >= cap) evict_one();
  const int descriptor = socket.get();
  const int one = 1;
  if (!peer.is_unix) ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (!watch(descriptor)) {
    ++counters.accept_failures;
    return;
  }
  clients.emplace(descriptor, Client{HttpConnection(std::move(socket), std::move(peer), limits, now)});
  counters.connections = clients.size();
  go_on(descriptor, now);  // the request is often already there
}

bool HttpServer::Loop::watch(int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  return ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

// Closes the connection that has been longest without completing a request.
void HttpServer::Loop::evict_one() {
  const auto oldest = std::min_element(clients.begin(), clients.end(), [](const auto& a, const auto& b) {
    return a.second.connection.idle_since() < b.second.connection.idle_since();
  });
  if (oldest == clients.end()) return;
  ++counters.evicted;
  close(oldest->first);
}

void HttpServer::Loop::go_on(int descriptor, Time now) {
  const auto found = clients.find(descriptor);
  if (found == clients.end()) return;  // closed earlier in this turn
  HttpConnection& connection = found->second.connection;
  settle(descriptor, connection.advance(now), now);
}

// Does what a connection needs until it has to wait.
void HttpServer::Loop::settle(int descriptor, Next next, Time now) {
  Client& client = clients.find(descriptor)->second;
  for (int answers = 0; next == Next::answer; ++answers) {
    if (answers == answers_at_once) {
      // Once: every event of this connection comes by here, and each entry is a turn of its own.
      if (std::find(unfinished.begin(), unfinished.end(), descriptor) == unfinished.end()) {
        unfinished.push_back(descriptor);
      }
      return;
    }
    next = answer(client.connection, now);
  }
  if (next == Next::refuse) {
    ++counters.malformed;
    next = client.connection.refuse(date(), now);
  }
  if (next == Next::close) return close(descriptor);
  const std::uint32_t interest = next == Next::write ? EPOLLOUT : EPOLLIN;
  if (interest == client.interest) return;
  client.interest = interest;
  epoll_event event{};
  event.events = interest;
  event.data.fd = descriptor;
  ::epoll_ctl(epoll.get(), EPOLL_CTL_MOD, descriptor, &event);
}

HttpConnection::Next HttpServer::Loop::answer(HttpConnection& connection, Time now) {
  HttpRequest request = connection.take();
  const bool head_only = request.method == "HEAD";
  if (const std::string objection = access.objection(request); !objection.empty()) {
    ++counters.forbidden;
    return connection.respond(HttpResponse::text(403, objection + "\n"), head_only, date(), now);
  }
  const HttpRouter::Answer answer = router.answer(request);
  switch (answer.outcome) {
    case HttpRouter::Outcome::answered: ++counters.requests; break;
    case HttpRouter::Outcome::no_route: ++counters.not_found; break;
    case HttpRouter::Outcome::failed: ++counters.handler_errors; break;
  }
  return connection.respond(answer.response, head_only, date(), now);
}

void HttpServer::Loop::close(int descriptor) {
  clients.erase(descriptor);  // closing the descriptor takes it out of the epoll set
  counters.connections = clients.size();
}

void HttpServer::Loop::expire(Time now) {
  std::vector<int> overdue;
  for (const auto& [descriptor, client] : clients) {
    if (client.connection.deadline() <= now) overdue.push_back(descriptor);
  }
  for (const int descriptor : overdue) {
    ++counters.timed_out;
    settle(descriptor, clients.find(descriptor)->second.connection.expire(date(), now), now);
  }
}

void HttpServer::Loop::listen_again(Time now) {
  if (!paused_until || now < *paused_until || draining) return;
  paused_until.reset();
  set_listening(EPOLLIN);
}

void HttpServer::Loop::stop_listening() {
  std::uint64_t count = 0;
  (void)!::read(wake.get(), &count, sizeof count);
  draining = true;
  paused_until.reset();
  listeners.clear();
  std::vector<int> idle;
  for (auto& [descriptor, client] : clients) {
    if (client.connection.finish()) idle.push_back(descriptor);
  }
  for (const int descriptor : idle) close(descriptor);
}

void HttpServer::Loop::set_listening(std::uint32_t events) {
  for (const auto& listener : listeners) {
    epoll_event event{};
    event.events = events;
    event.data.fd = listener.descriptor();
    ::epoll_ctl(epoll.get(), EPOLL_CTL_MOD, listener.descriptor(), &event);
  }
}

const std::string& HttpServer::Loop::date() {
  const std::time_t second = to_ms(clock.now()) / 1000 + clock.wall_step().count() / 1000;
  if (second != date_second) {
    date_second = second;
    date_text = http_date(second);
  }
  return date_text;
}

}  // namespace sidewatch
