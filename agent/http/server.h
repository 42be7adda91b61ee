// The agent's HTTP server: one thread that waits in epoll for many clients, none of which can hold up another. Routes
// that take long are answered by a few workers (http_workers.h), which exist only while somebody asks.
//
// It refuses rather than guesses: see http_request_reader.h for what a request may be, http_access.h for who may ask,
// HttpLimits for how much and how long. When nobody asks it does not run at all.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/http/config.h"
#include "agent/http/message.h"
#include "base/result.h"

namespace sidewatch {

// Since the start, except `connections`. Readable from any thread.
struct HttpCounters {
  std::uint64_t connections = 0;      // open now
  std::uint64_t accepted = 0;
  std::uint64_t requests = 0;         // answered by a handler, whatever the status
  std::uint64_t not_found = 0;        // 404 and 405
  std::uint64_t malformed = 0;        // refused by the reader: 400, 411, 413, 414, 415, 417, 431, 501, 505
  std::uint64_t forbidden = 0;        // Host or Origin not allowed: 403
  std::uint64_t handler_errors = 0;   // an exception left a handler: 500
  std::uint64_t turned_away = 0;      // no room for a request that takes long: 503
  std::uint64_t abandoned = 0;        // the client went away while a worker answered
  std::uint64_t evicted = 0;          // closed at the connection cap
  std::uint64_t timed_out = 0;        // closed at one of the deadlines, idle ones included
  std::uint64_t accept_failures = 0;  // no file descriptor or no memory for a new connection
};

struct HttpLoop;

class HttpServer {
 public:
  // Binds every address and starts the thread, or does nothing and says which address is the trouble and what to do:
  // "127.0.0.1:9766 is already in use; is another sidewatch running? choose another http.listen".
  static Result<std::unique_ptr<HttpServer>> start(const HttpConfig& config, std::vector<HttpRoute> routes);

  // stop() with one second of patience; then waits for a handler that is still running.
  ~HttpServer();

  // Ends the requests that workers answer and takes no more of them; the rest goes on. Any thread.
  void end_queries();

  // Takes no new connection, lets responses under way finish for at most `patience`, closes everything. False when the
  // thread did not end in time because a handler is still running; nothing is freed then and stop may be called again.
  bool stop(Duration patience);

  int bound_port() const;                             // of the first TCP address; 0 when there is none
  const std::vector<std::string>& addresses() const;  // as bound: "127.0.0.1:9766", "unix:/run/sidewatch.sock"
  HttpCounters counters() const;

 private:
  explicit HttpServer(std::unique_ptr<HttpLoop> loop);
  std::unique_ptr<HttpLoop> loop_;
};

}  // namespace sidewatch
