// The one way out: an HTTP request with a deadline that holds whatever the other side does.
//
// What a request may cost is bounded before it is sent: one total deadline (name resolution, connecting, TLS and a
// dripping answer included), counted answer bytes and header bytes, no redirects, http and https only, TLS 1.2 or
// newer, certificates verified, no proxy from the environment, no address of the link-local networks (where cloud
// machines keep their credentials) unless allowed. Header names and values with control bytes are refused, so that a
// label or an annotation can never add a header of its own.
//
// A client is used by one thread at a time; `interrupt` may be called by any other. Many requests at once are the
// business of base/http_transfers.h, on which this stands. Nothing of libcurl is allocated before the first request.
// Error texts name scheme, host and port of a URL and nothing else of it: the rest is often a secret.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace sidewatch {

struct HttpHeader {
  std::string name;
  std::string value;
  auto operator<=>(const HttpHeader&) const = default;
};

struct OutgoingRequest {
  enum class TooLong {
    cut,   // keep the first bytes (also of the head), close, and call it an answer: when only the status matters
    fail,  // HttpFailure::too_large
  };

  std::string method = "GET";
  std::string url;
  std::vector<HttpHeader> headers;
  std::string body;

  Duration timeout = std::chrono::seconds(10);         // for everything together
  Duration connect_timeout = std::chrono::seconds(5);  // for resolving, connecting and the TLS handshake
  std::size_t max_body_bytes = 64 * 1024;              // of the answer
  TooLong too_long = TooLong::fail;

  std::string username;  // basic authentication, when not empty
  std::string password;

  std::string ca_file;           // instead of the machine's certificate authorities
  std::string certificate_file;  // client certificate and key, PEM
  std::string key_file;
  bool insecure_skip_verify = false;
  std::string server_name;  // whom the certificate has to be for, and who is asked for; empty: the host of the URL
  bool tls13_only = false;  // otherwise TLS 1.2 or newer
  bool allow_link_local = false;
  enum class Family { any, ipv4, ipv6 };
  Family family = Family::any;    // of the addresses that are tried
  bool fresh_connection = false;  // resolve and connect anew, and close when the answer is there
  std::string unix_socket;  // the path of a socket to connect to, whatever the URL's host is; no proxy is used then
  std::string proxy_url;  // empty: no proxy, whatever the environment says
};

struct OutgoingResponse {
  int status = 0;
  std::vector<HttpHeader> headers;  // of the final answer, as received; at most 256
  std::string body;
  bool cut = false;  // there was more of it than fits

  std::string_view header(std::string_view name) const;  // ignoring case; "" when absent
};

enum class HttpFailure {
  bad_request,      // the request itself is impossible: URL, header
  interrupted,      // interrupt() was called
  timeout,          // a deadline passed
  resolve,          // no address for the host name
  connect,          // no connection
  address_refused,  // the host is link-local
  tls,              // handshake or certificate
  too_large,        // the answer
  network,          // the connection broke, or the answer is not HTTP
};
std::string_view to_string(HttpFailure failure);

struct HttpError {
  HttpFailure kind = HttpFailure::network;
  std::string what;  // a sentence, with scheme://host:port at most
  bool certificate = false;  // with `tls`: the other side's certificate does not hold
};

using HttpResult = std::variant<OutgoingResponse, HttpError>;

class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  HttpResult send(const OutgoingRequest& request);

  // From any thread: the request under way returns soon with `interrupted`, and so does every later one.
  void interrupt();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct UrlParts {
  std::string scheme;  // http or https
  std::string host;    // without the brackets of an IPv6 address
  int port = 0;
  bool has_credentials = false;
  bool link_local = false;  // the host is written as a link-local address
};
// Error::what says what is wrong without repeating the URL.
Result<UrlParts> parse_http_url(const std::string& url);

// "https://host:8443/...": all of a URL that may be shown.
std::string url_without_secrets(std::string_view url);

// False for a header that would not stay one header line.
bool header_is_safe(std::string_view name, std::string_view value);
bool has_control_bytes(std::string_view text);

// Why a request cannot be sent; empty when it can.
std::string problem_with(const OutgoingRequest& request);

}  // namespace sidewatch
