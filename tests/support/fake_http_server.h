// An HTTP server that misbehaves on order: answers from a script, and remembers what it was asked.
//
// Listens on a free port of 127.0.0.1. Each request takes the next answer of the script; when the script is over, the
// last answer is repeated. A service with rules of its own is a function from the request to the answer. Everything it
// has under way ends with the object.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/http_client.h"

namespace sidewatch {

struct FakeAnswer {
  enum class Manner {
    answer,  // status, headers, body with its length
    chunked, // the same without a length; the body `repeat` times
    raw,     // `body` as it is, then close
    hang,    // read the request, never answer
    drip,    // the answer's bytes, one every 50 ms
    stall,   // headers that promise a body, then nothing
    reset,   // read the request, then a TCP reset
  };
  int status = 200;
  std::vector<HttpHeader> headers = {};
  std::string body = {};
  Manner manner = Manner::answer;
  int repeat = 1;
};

struct FakeRequest {
  std::string method;
  std::string path;
  std::vector<HttpHeader> headers;
  std::string body;
  int connection = 0;  // requests of one connection share it

  std::string header(std::string_view name) const;  // ignoring case; "" when absent
};

struct FakeTls {
  std::string certificate_file;
  std::string key_file;
  int newest_version = 0;  // of OpenSSL's TLS1_VERSION and so on; 0: any
  std::string client_ca_file = {};  // when not empty, clients must show a certificate of this authority
};

class FakeHttpServer {
 public:
  explicit FakeHttpServer(std::vector<FakeAnswer> script = {{}}, const FakeTls* tls = nullptr);
  ~FakeHttpServer();

  int port() const;
  std::string url(std::string_view path = "/") const;  // http or https://127.0.0.1:port/path

  void script(std::vector<FakeAnswer> script);  // from now on
  void serve(std::function<FakeAnswer(const FakeRequest&)> service);  // likewise; called by one thread at a time

  std::vector<FakeRequest> requests() const;
  // Waits until that many requests have come, at most `patience`.
  bool wait_for_requests(std::size_t count, std::chrono::milliseconds patience = std::chrono::seconds(20)) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A port of 127.0.0.1 on which nobody listens.
int unused_port();

}  // namespace sidewatch
