#include "agent/http/loop.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "agent/http/peer.h"

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

HttpWorkLimits work_limits(const HttpLimits& limits) {
  return {static_cast<std::size_t>(limits.query_threads), static_cast<std::size_t>(limits.max_queued_queries),
          limits.max_unsent_bytes.count};
}

}  // namespace

HttpLoop::HttpLoop(const HttpConfig& config, std::vector<HttpRoute> routes)
    : limits(config.limits), cap(connection_cap(config.limits)), router(std::move(routes)),
      pushes([this](auto method, auto target) { return router.takes_pushes(method, target); },
             config.limits.max_push_bytes.count, config.limits.max_push_bytes_together.count),
      allow_remote_push(config.allow_remote_push),
      access(allowed_host_names(config.hosts)), epoll(::epoll_create1(EPOLL_CLOEXEC)),
      wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), reserve(::open("/dev/null", O_RDONLY | O_CLOEXEC)),
      workers(work_limits(limits), [this] { wake_up(); }) {}

void HttpLoop::wake_up() const {
  const std::uint64_t one = 1;
  (void)!::write(wake.get(), &one, sizeof one);
}

void HttpLoop::run() {
  while (true) {
    turn(clock.now());
    if (draining && (clients.empty() || to_ms(clock.now()) >= stop_at)) break;
  }
  while (!clients.empty()) close(clients.begin()->first);
  workers.stop();
  const std::lock_guard lock(mutex);
  ended = true;
  ended_changed.notify_all();
}

void HttpLoop::turn(Time before) {
  std::array<epoll_event, 64> events;
  const int count = ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), patience_ms(before));
  const Time now = clock.now();
  const std::vector<int> continued = std::exchange(unfinished, {});
  for (const int descriptor : continued) go_on(descriptor, 0, now);
  for (int i = 0; i < count; ++i) {
    const int descriptor = events[static_cast<std::size_t>(i)].data.fd;
    const auto listener = std::find_if(listeners.begin(), listeners.end(),
                                       [&](const auto& each) { return each.descriptor() == descriptor; });
    if (descriptor == wake.get()) {
      std::uint64_t times = 0;
      (void)!::read(wake.get(), &times, sizeof times);
      if (stop_at != 0 && !draining) stop_listening();
      take_answers(now);
    } else if (listener != listeners.end()) {
      accept_from(*listener, now);
    } else {
      go_on(descriptor, events[static_cast<std::size_t>(i)].events, now);
    }
  }
  listen_again(now);
  expire(now);
}

// How long epoll may sleep: until the nearest deadline, or for ever.
int HttpLoop::patience_ms(Time now) const {
  if (!unfinished.empty()) return 0;
  Time next = Time::max();
  for (const auto& [descriptor, client] : clients) next = std::min(next, client.connection.deadline());
  if (paused_until) next = std::min(next, *paused_until);
  if (draining) next = std::min(next, time_at_ms(stop_at));
  if (next == Time::max()) return -1;
  return static_cast<int>(std::clamp<std::int64_t>((next - now).count(), 0, 60'000));
}

void HttpLoop::accept_from(const HttpListener& listener, Time now) {
  for (int i = 0; i < accepts_at_once; ++i) {
    if (!accept_one(listener, now)) return;
  }
}

// False when there is nobody left to accept, or nothing to accept them with.
bool HttpLoop::accept_one(const HttpListener& listener, Time now) {
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
    case EINTR:
    case ECONNABORTED:  // this and what follows befell one connection before it was taken (accept(2))
    case EPERM:
    case EPROTO:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case ENETDOWN:
    case ENETUNREACH:
    case ENONET:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ETIMEDOUT: return true;  // the next one may be well
    default:  // no memory, or what is not expected: to ask again at once would be to spin
      ++counters.accept_failures;
      set_listening(0);
      paused_until = now + accept_pause;
      return false;
  }
}

// No descriptor is left. One of ours makes way for the newcomer; without one, the reserve is used to take the newcomer
// and close it, for a connection that is left waiting would wake the loop for ever. The kernel looks for a descriptor
// before it looks whether anybody waits, so that is asked first: nobody makes way for nobody.
bool HttpLoop::make_room(int listener) {
  pollfd newcomers{listener, POLLIN, 0};
  if (::poll(&newcomers, 1, 0) == 0) return false;
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

void HttpLoop::add(HttpSocket socket, HttpPeer peer, Time now) {
  if (clients.size() >= cap) evict_one();
  const int descriptor = socket.get();
  const int one = 1;
  if (!peer.is_unix) ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (!watch(descriptor)) {
    ++counters.accept_failures;
    return;
  }
  const bool may_push = peer.is_loopback || allow_remote_push;
  HttpConnection connection(std::move(socket), std::move(peer), limits, now, &pushes, may_push);
  clients.emplace(descriptor, Client{std::move(connection), EPOLLIN, std::nullopt, false});
  counters.connections = clients.size();
  go_on(descriptor, EPOLLIN, now);  // the request is often already there
}

bool HttpLoop::watch(int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  return ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

// Closes the connection that has been longest without completing a request.
void HttpLoop::evict_one() {
  const auto oldest = std::min_element(clients.begin(), clients.end(), [](const auto& a, const auto& b) {
    return a.second.connection.idle_since() < b.second.connection.idle_since();
  });
  if (oldest == clients.end()) return;
  ++counters.evicted;
  close(oldest->first);
}

void HttpLoop::go_on(int descriptor, std::uint32_t events, Time now) {
  const auto found = clients.find(descriptor);
  if (found == clients.end()) return;  // closed earlier in this turn
  Client& client = found->second;
  if (!client.waits_for) return settle(descriptor, client.connection.advance(now), now);
  // Somebody who will send no more while waiting for an answer has hung up.
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0) return;
  ++counters.abandoned;
  close(descriptor);
}

// Does what a connection needs until it has to wait.
void HttpLoop::settle(int descriptor, Next next, Time now) {
  Client& client = clients.find(descriptor)->second;
  for (int answers = 0; next == Next::answer; ++answers) {
    if (answers == answers_at_once) {
      // Once: every event of this connection comes by here, and each entry is a turn of its own.
      if (std::find(unfinished.begin(), unfinished.end(), descriptor) == unfinished.end()) {
        unfinished.push_back(descriptor);
      }
      return;
    }
    next = answer(client, now);
    if (client.waits_for) {
      waiting[*client.waits_for] = descriptor;
      return set_interest(descriptor, client, EPOLLRDHUP);
    }
  }
  if (next == Next::refuse) {
    switch (client.connection.refusal().status) {
      case 403: ++counters.forbidden; break;
      case 503: ++counters.turned_away; break;
      default: ++counters.malformed;
    }
    next = client.connection.refuse(refusal_of(client.connection), date(), now);
  }
  if (next == Next::close) return close(descriptor);
  set_interest(descriptor, client, next == Next::write ? EPOLLOUT : EPOLLIN);
}

HttpResponse HttpLoop::refusal_of(const HttpConnection& connection) const {
  const auto& [status, reason] = connection.refusal();
  const auto& request = connection.refused();
  const HttpRoute* route = connection.refused_push() ? router.push_route(request.method, request.target) : nullptr;
  if (route != nullptr && route->refuse) return route->refuse(request, status, reason);
  auto response = HttpResponse::text(status, reason + "\n");
  if (status == 503) response.headers.push_back({"Retry-After", "1"});
  return response;
}

void HttpLoop::set_interest(int descriptor, Client& client, std::uint32_t interest) {
  if (interest == client.interest) return;
  client.interest = interest;
  epoll_event event{};
  event.events = interest;
  event.data.fd = descriptor;
  ::epoll_ctl(epoll.get(), EPOLL_CTL_MOD, descriptor, &event);
}

HttpConnection::Next HttpLoop::answer(Client& client, Time now) {
  HttpRequest request = client.connection.take();
  request.received = now;
  request.reads_only = router.reads_only(request);
  client.head_only = request.method == "HEAD";
  if (const std::string objection = access.objection(request); !objection.empty()) {
    ++counters.forbidden;
    return respond(client, HttpResponse::text(403, objection + "\n"), now);
  }
  const HttpRouter::Answer answer = router.answer(request);
  switch (answer.outcome) {
    case HttpRouter::Outcome::answered: ++counters.requests; break;
    case HttpRouter::Outcome::for_worker: return hand_to_worker(client, std::move(request), *answer.route, now);
    case HttpRouter::Outcome::no_route: ++counters.not_found; break;
    case HttpRouter::Outcome::failed: ++counters.handler_errors; break;
  }
  return respond(client, answer.response, now);
}

HttpConnection::Next HttpLoop::hand_to_worker(Client& client, HttpRequest request, const HttpRoute& route, Time now) {
  const HttpWorkers::Ticket ticket = ++last_ticket;
  if (const auto refusal = workers.put({ticket, std::move(request), &route})) {
    ++counters.turned_away;
    return respond(client, *refusal, now);
  }
  client.waits_for = ticket;
  return Next::read;
}

HttpConnection::Next HttpLoop::respond(Client& client, const HttpResponse& response, Time now) {
  return client.connection.respond(response, client.head_only, date(), now);
}

void HttpLoop::take_answers(Time now) {
  for (const auto& done : workers.take_done()) {
    const auto found = waiting.find(done.ticket);
    if (found == waiting.end()) continue;
    const int descriptor = found->second;
    waiting.erase(found);
    switch (done.outcome) {
      case HttpWorkers::Outcome::answered: ++counters.requests; break;
      case HttpWorkers::Outcome::turned_away: ++counters.turned_away; break;
      case HttpWorkers::Outcome::failed: ++counters.handler_errors; break;
    }
    Client& client = clients.find(descriptor)->second;
    client.waits_for.reset();
    settle(descriptor, respond(client, done.response, now), now);
  }
}

void HttpLoop::close(int descriptor) {
  const auto found = clients.find(descriptor);
  if (const auto ticket = found->second.waits_for) {
    waiting.erase(*ticket);
    workers.abandon(*ticket);
  }
  clients.erase(found);  // closing the descriptor takes it out of the epoll set
  counters.connections = clients.size();
}

void HttpLoop::expire(Time now) {
  std::vector<int> overdue;
  for (const auto& [descriptor, client] : clients) {
    if (client.connection.deadline() <= now) overdue.push_back(descriptor);
  }
  for (const int descriptor : overdue) {
    ++counters.timed_out;
    settle(descriptor, clients.find(descriptor)->second.connection.expire(date(), now), now);
  }
}

void HttpLoop::listen_again(Time now) {
  if (!paused_until || now < *paused_until || draining) return;
  paused_until.reset();
  set_listening(EPOLLIN);
}

void HttpLoop::stop_listening() {
  draining = true;
  paused_until.reset();
  listeners.clear();
  std::vector<int> idle;
  for (auto& [descriptor, client] : clients) {
    if (client.connection.finish()) idle.push_back(descriptor);
  }
  for (const int descriptor : idle) close(descriptor);
}

void HttpLoop::set_listening(std::uint32_t events) {
  for (const auto& listener : listeners) {
    epoll_event event{};
    event.events = events;
    event.data.fd = listener.descriptor();
    ::epoll_ctl(epoll.get(), EPOLL_CTL_MOD, listener.descriptor(), &event);
  }
}

}  // namespace sidewatch
