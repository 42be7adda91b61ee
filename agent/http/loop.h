// The inside of HttpServer: its one thread's state and what it does. Only http_server.cpp includes this.
//
// Wait in epoll, let each connection that can go on do so, answer complete requests, close what is overdue. A request
// of a slow route goes to the workers; its connection then waits without a deadline (the handler has one) and reads
// nothing; when its client goes away, the work is abandoned.
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "agent/http/access.h"
#include "agent/http/config.h"
#include "agent/http/connection.h"
#include "agent/http/date.h"
#include "agent/http/listener.h"
#include "agent/http/push_bodies.h"
#include "agent/http/router.h"
#include "agent/http/workers.h"
#include "base/time.h"

namespace sidewatch {

struct AtomicHttpCounters {
  std::atomic<std::uint64_t> connections{0}, accepted{0}, requests{0}, not_found{0}, malformed{0}, forbidden{0},
      handler_errors{0}, turned_away{0}, abandoned{0}, evicted{0}, timed_out{0}, accept_failures{0};
};

struct HttpLoop {
  HttpLoop(const HttpConfig& config, std::vector<HttpRoute> routes);

  void run();  // until stopped
  bool watch(int descriptor);
  void wake_up() const;

  using Next = HttpConnection::Next;
  struct Client {
    HttpConnection connection;
    std::uint32_t interest = EPOLLIN;
    std::optional<HttpWorkers::Ticket> waits_for;  // the answer of a worker
    bool head_only = false;                        // of the request that is being answered
  };

  void turn(Time now);
  int patience_ms(Time now) const;
  void accept_from(const HttpListener& listener, Time now);
  bool accept_one(const HttpListener& listener, Time now);
  bool make_room(int listener);
  void add(HttpSocket socket, HttpPeer peer, Time now);
  void evict_one();
  void go_on(int descriptor, std::uint32_t events, Time now);
  void settle(int descriptor, Next next, Time now);
  void set_interest(int descriptor, Client& client, std::uint32_t interest);
  Next answer(Client& client, Time now);
  HttpResponse refusal_of(const HttpConnection& connection) const;
  Next hand_to_worker(Client& client, HttpRequest request, const HttpRoute& route, Time now);
  Next respond(Client& client, const HttpResponse& response, Time now);
  void take_answers(Time now);
  void close(int descriptor);
  void expire(Time now);
  void listen_again(Time now);
  void stop_listening();
  void set_listening(std::uint32_t events);
  const std::string& date() { return dates.at(to_wall(clock.now(), clock.wall_step())); }

  const HttpLimits limits;
  const std::size_t cap;
  HttpRouter router;
  const HttpPushBodies pushes;
  const bool allow_remote_push;
  HttpAccess access;
  HttpSocket epoll;
  HttpSocket wake;
  HttpSocket reserve;  // given up for a moment to take, and close, a connection for which there is no descriptor
  std::vector<HttpListener> listeners;
  std::vector<std::string> addresses;
  int port = 0;
  std::unordered_map<int, Client> clients;
  std::unordered_map<HttpWorkers::Ticket, int> waiting;  // the descriptors of the clients that wait for a worker
  HttpWorkers::Ticket last_ticket = 0;
  std::vector<int> unfinished;  // descriptors whose next request is already here
  std::optional<Time> paused_until;
  HttpDate dates;
  SystemClock clock;
  AtomicHttpCounters counters;

  std::mutex mutex;
  std::condition_variable ended_changed;
  bool ended = false;                    // guarded by mutex
  std::atomic<std::int64_t> stop_at{0};  // milliseconds of `clock` by when everything is closed; 0: not stopping
  bool draining = false;
  HttpWorkers workers;
  std::thread thread;
};

}  // namespace sidewatch
