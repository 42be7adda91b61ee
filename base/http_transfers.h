// Many HTTP requests at once on one thread, for an event loop: nothing here waits.
//
// The one idea: descriptor() is a descriptor of its own (epoll) that can be read whenever one of the requests can go on;
// whoever has it in a poll, and calls step() then or when due() has come, drives all of them. What each may cost is
// bounded as base/http_client.h says. Nothing of libcurl is allocated before the first request.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/http_client.h"
#include "base/tls_client.h"

namespace sidewatch {

// How a request went, also where it failed: what was not reached is 0.
struct HttpTrace {
  double resolve_seconds = 0;
  double connect_seconds = 0;
  double tls_seconds = 0;
  double processing_seconds = 0;  // from the request to the first byte of the answer
  double transfer_seconds = 0;    // from there to the last
  double total_seconds = 0;
  std::string address;            // that was connected to; empty: none, or a Unix socket
  bool reused = false;            // a connection of an earlier request
  double http_version = 0;        // 1.1
  std::int64_t content_length = -1;  // as the answer says it
  std::optional<TlsPeer> tls;        // after a handshake
  std::optional<std::int64_t> refused_expiry;  // after one that failed for a date: RefusedExpiry
};

struct HttpExchange {
  HttpResult result;
  HttpTrace trace;
};

class HttpTransfers {
 public:
  using Id = std::uint64_t;
  using Done = std::function<void(HttpExchange)>;

  explicit HttpTransfers(std::size_t kept_connections);
  ~HttpTransfers();
  HttpTransfers(const HttpTransfers&) = delete;
  HttpTransfers& operator=(const HttpTransfers&) = delete;

  // What libcurl would otherwise find by itself: on threads that nobody bounds, or by reading files, which may block.
  struct Given {
    std::vector<std::string> addresses = {};  // of the URL's host, or of the proxy's; none: libcurl asks for them
    std::optional<std::string> ca = {};       // what is in the request's ca_file, certificate_file and key_file
    std::optional<std::string> certificate = {};
    std::optional<std::string> key = {};
  };

  // `done` is called once, by a later step() and never by start() itself, unless cancel() came first. It may start other
  // requests.
  Id start(const OutgoingRequest& request, Done done, Given given);
  Id start(const OutgoingRequest& request, Done done) { return start(request, std::move(done), Given()); }
  void cancel(Id id);

  int descriptor() const;
  std::optional<std::chrono::steady_clock::time_point> due() const;
  void step();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Where a Location header leads, seen from the URL that was asked for.
Result<std::string> resolve_url(const std::string& base, const std::string& reference);

// The same URL at another host (an IPv6 address in brackets).
std::string url_with_host(const std::string& url, const std::string& host);

}  // namespace sidewatch
