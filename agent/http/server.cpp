// Starting and stopping the server; what its thread does is in http_loop.cpp.
#include "agent/http/server.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>

#include "agent/http/loop.h"

namespace sidewatch {

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpConfig& config, std::vector<HttpRoute> routes) {
  auto loop = std::make_unique<HttpLoop>(config, std::move(routes));
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

HttpServer::HttpServer(std::unique_ptr<HttpLoop> loop) : loop_(std::move(loop)) {}

HttpServer::~HttpServer() {
  stop(Duration(1'000));
  if (loop_->thread.joinable()) loop_->thread.join();
}

void HttpServer::end_queries() { loop_->workers.request_stop(); }

bool HttpServer::stop(Duration patience) {
  if (!loop_->thread.joinable()) return true;
  loop_->stop_at = std::max<std::int64_t>(1, to_ms(loop_->clock.now() + patience));
  loop_->wake_up();
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
  return {now.connections,    now.accepted,    now.requests,  now.not_found, now.malformed, now.forbidden,
          now.handler_errors, now.turned_away, now.abandoned, now.evicted,   now.timed_out, now.accept_failures};
}

}  // namespace sidewatch
