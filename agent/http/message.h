// What the agent's HTTP handlers are given and what they give back. Knows neither sockets nor a library.
//
// A request here is complete and well formed: whatever was ambiguous, oversized or malformed was refused before. Its
// texts still come from a stranger: never put them into a log line or a page without escaping.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"

namespace sidewatch {

class HttpBodyClaim;

struct HttpField {
  std::string name;
  std::string value;  // without surrounding blanks, otherwise exactly as sent (no percent-decoding)
};

// Who asks, as the kernel knows it; nothing that the client wrote ends up here.
struct HttpPeer {
  std::string address;           // "127.0.0.1", "::1"; "unix" over a Unix socket
  bool is_loopback = false;      // this machine: a loopback address or a Unix socket
  bool reached_loopback = false; // our end of the connection is a loopback address
  bool is_unix = false;
};

struct HttpRequest {
  std::string method;   // "GET"; HEAD too: the handler of GET answers it and the body is left away
  std::string target;   // as sent: "/api/v1/query?query=up%20%3E%200"
  std::string path;     // decoded, without the query
  int minor_version = 1;                                     // HTTP/1.<minor_version>
  bool keep_alive = true;                                    // the client would like to go on afterwards
  std::vector<HttpField> fields;                             // in the order of sending
  std::vector<std::pair<std::string, std::string>> params;   // query, then a form body; decoded; may repeat
  std::vector<std::pair<std::string, std::string>> captures; // {"name", ...} of the route "/label/{name}/values"
  std::string body;
  HttpPeer peer;
  bool reads_only = false;  // by its method, or because its route says so: it changes nothing
  Time received;            // when it was complete
  std::shared_ptr<HttpBodyClaim> claim;  // on the room for pushed bodies, as long as this one is held
  // Of a request that is answered by a worker: rises when nobody waits for the answer any more.
  std::shared_ptr<const std::atomic<bool>> abandoned;

  // All values of a header field joined with ", ", as RFC 9110 5.3 allows; empty when absent. Names in any case.
  std::string header(std::string_view name) const;
  bool has_header(std::string_view name) const;
  std::optional<std::string> param(std::string_view name) const;  // the first of that name
  std::vector<std::string> param_values(std::string_view name) const;
  std::string capture(std::string_view name) const;
  bool is_abandoned() const { return abandoned && abandoned->load(std::memory_order_relaxed); }
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::vector<HttpField> headers;           // besides Content-Type, Content-Length, Date, Connection and nosniff
  std::shared_ptr<const std::string> body;  // shared, never copied: a cached page costs a reference count

  static HttpResponse text(int status, std::string body);
  static HttpResponse json(int status, std::string body);
  // Somebody else's page, e.g. the cached /metrics.
  static HttpResponse shared(std::string content_type, std::shared_ptr<const std::string> body);
};

// An exception that leaves it becomes a 500 without its text.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

struct HttpRoute {
  // On the server's own thread, which everybody waits for: it must be fast and must not wait. Or on a worker: several
  // at a time, and there may be no room for one more.
  enum class Runs { at_once, on_worker };

  std::string method;  // "GET" (answers HEAD too), "POST", "PUT" or "DELETE"
  // "/metrics", or with captures that match one segment: "/api/v1/label/{name}/values". A last one may match all that
  // follows, if anything does: "/ping/{rest...}".
  std::string path;
  HttpHandler handler;
  Runs runs = Runs::at_once;
  bool reads_only = false;  // a POST that changes nothing: its question was too long for a GET
  // What is answered without the handler: there is no room on a worker (503), or what is pushed is refused before it was
  // read (413 ...; the request then has no body). Without it a text with this sentence.
  std::function<HttpResponse(const HttpRequest& request, int status, const std::string& why)> refuse = nullptr;
  // What programs push, by any method (a GET changes something as well then): its body may be large, packed or chunked,
  // and is not taken for a form. From this machine only, unless http.allow_remote_push.
  bool takes_pushes = false;
};

std::string_view http_reason(int status);  // "Not Found"
bool same_ignoring_case(std::string_view a, std::string_view b);  // ASCII

}  // namespace sidewatch
