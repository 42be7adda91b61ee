#include "tests/support/fake_http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

int listen_somewhere(int& port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  listen(fd, 64);
  return fd;
}

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// A connection, TLS or not. Reads and writes give up when `stopping` is set.
class Connection {
 public:
  Connection(int fd, const std::atomic<bool>& stopping) : fd_(fd), stopping_(stopping) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    SSL_free(tls_);
    if (fd_ >= 0) close(fd_);
  }

  bool start_tls(SSL_CTX* context) {
    tls_ = SSL_new(context);
    SSL_set_fd(tls_, fd_);
    return readable() && SSL_accept(tls_) == 1;
  }

  bool read_some(std::string& into) {
    char buffer[4096];
    if ((tls_ == nullptr || SSL_pending(tls_) == 0) && !readable()) return false;
    const long got = tls_ != nullptr ? SSL_read(tls_, buffer, sizeof buffer) : recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) return false;
    into.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  bool write_all(std::string_view text) {
    while (!text.empty() && !stopping_) {
      const long sent = tls_ != nullptr ? SSL_write(tls_, text.data(), static_cast<int>(text.size()))
                                        : ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return text.empty();
  }

  void reset() {
    const linger abrupt{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt);
    close(fd_);
    fd_ = -1;
  }

  // Waits for the other side to close, no longer than `time`.
  bool closed_within(std::chrono::milliseconds time) const {
    pollfd entry{fd_, POLLRDHUP, 0};
    return poll(&entry, 1, static_cast<int>(time.count())) > 0;
  }

  // Returns when the other side is gone or the server stops.
  void wait_for_the_end() {
    std::string ignored;
    while (read_some(ignored)) ignored.clear();
  }

 private:
  bool readable() {
    while (!stopping_) {
      pollfd entry{fd_, POLLIN, 0};
      if (poll(&entry, 1, 20) > 0) return true;
    }
    return false;
  }

  int fd_;
  SSL* tls_ = nullptr;
  const std::atomic<bool>& stopping_;
};

std::optional<FakeRequest> read_request(Connection& connection, std::string& buffer) {
  std::size_t end = 0;
  while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
    if (!connection.read_some(buffer)) return std::nullopt;
  }
  FakeRequest request;
  const std::string head = buffer.substr(0, end);
  std::size_t line_start = head.find("\r\n");
  const std::string first = head.substr(0, line_start);
  request.method = first.substr(0, first.find(' '));
  request.path = first.substr(request.method.size() + 1, first.rfind(' ') - request.method.size() - 1);
  while (line_start != std::string::npos) {
    const std::size_t next = head.find("\r\n", line_start + 2);
    const std::string line = head.substr(line_start + 2, next == std::string::npos ? next : next - line_start - 2);
    const std::size_t colon = line.find(':');
    const std::size_t value = line.find_first_not_of(' ', colon + 1);
    request.headers.push_back({line.substr(0, colon), value == std::string::npos ? "" : line.substr(value)});
    line_start = next;
  }
  const std::string length = request.header("Content-Length");
  const std::size_t total = end + 4 + (length.empty() ? 0 : std::stoul(length));
  while (buffer.size() < total) {
    if (!connection.read_some(buffer)) return std::nullopt;
  }
  request.body = buffer.substr(end + 4, total - end - 4);
  buffer.erase(0, total);
  return request;
}

std::string head_of(const FakeAnswer& answer) {
  std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " Scripted\r\n";
  for (const auto& [name, value] : answer.headers) text += name + ": " + value + "\r\n";
  return text;
}

// True when the connection can take another request.
bool give(Connection& connection, const FakeAnswer& answer, const std::atomic<bool>& stopping) {
  const bool bodiless = answer.status == 204 || answer.status == 304;
  const std::string plain =
      head_of(answer) + (bodiless ? "" : "Content-Length: " + std::to_string(answer.body.size()) + "\r\n") + "\r\n" +
      answer.body;
  switch (answer.manner) {
    case FakeAnswer::Manner::answer: return connection.write_all(plain);
    case FakeAnswer::Manner::chunked: {
      if (!connection.write_all(head_of(answer) + "Transfer-Encoding: chunked\r\n\r\n")) return false;
      char size[32];
      std::snprintf(size, sizeof size, "%zx\r\n", answer.body.size());
      for (int i = 0; i < answer.repeat; ++i) {
        if (!connection.write_all(size + answer.body + "\r\n")) return false;
      }
      return connection.write_all("0\r\n\r\n");
    }
    case FakeAnswer::Manner::raw:
      for (int i = 0; i < answer.repeat; ++i) {
        if (!connection.write_all(answer.body)) return false;
      }
      return false;
    case FakeAnswer::Manner::hang: connection.wait_for_the_end(); return false;
    case FakeAnswer::Manner::drip:
      for (const char c : plain) {
        if (stopping || !connection.write_all(std::string_view(&c, 1))) return false;
        if (connection.closed_within(50ms)) return false;
      }
      return false;
    case FakeAnswer::Manner::stall:
      connection.write_all(head_of(answer) + "Content-Length: 1000\r\n\r\n");
      connection.wait_for_the_end();
      return false;
    case FakeAnswer::Manner::reset: connection.reset(); return false;
  }
  return false;
}

}  // namespace

struct FakeHttpServer::State {
  int port = 0;
  int listener = -1;
  SSL_CTX* tls = nullptr;
  std::atomic<bool> stopping = false;
  mutable std::mutex mutex;
  mutable std::condition_variable arrived;
  std::vector<FakeAnswer> script;
  std::function<FakeAnswer(const FakeRequest&)> service;
  std::size_t next_answer = 0;
  std::vector<FakeRequest> requests;
  std::vector<std::thread> connections;
  std::thread acceptor;

  void accept_loop() {
    for (int number = 1; !stopping; ++number) {
      pollfd entry{listener, POLLIN, 0};
      if (poll(&entry, 1, 20) <= 0) continue;
      const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      const std::lock_guard lock(mutex);
      connections.emplace_back([this, fd, number] { serve(fd, number); });
    }
  }

  void serve(int fd, int number) {
    Connection connection(fd, stopping);
    if (tls != nullptr && !connection.start_tls(tls)) return;
    std::string buffer;
    while (auto request = read_request(connection, buffer)) {
      request->connection = number;
      FakeAnswer answer;
      {
        const std::lock_guard lock(mutex);
        answer = service ? service(*request) : script[std::min(next_answer++, script.size() - 1)];
        requests.push_back(std::move(*request));
      }
      arrived.notify_all();
      if (!give(connection, answer, stopping)) return;
    }
  }
};

FakeHttpServer::FakeHttpServer(std::vector<FakeAnswer> script, const FakeTls* tls)
    : state_(std::make_unique<State>()) {
  state_->script = std::move(script);
  state_->listener = listen_somewhere(state_->port);
  if (tls != nullptr) {
    state_->tls = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate_chain_file(state_->tls, tls->certificate_file.c_str());
    SSL_CTX_use_PrivateKey_file(state_->tls, tls->key_file.c_str(), SSL_FILETYPE_PEM);
    if (!tls->client_ca_file.empty()) {
      SSL_CTX_load_verify_locations(state_->tls, tls->client_ca_file.c_str(), nullptr);
      SSL_CTX_set_verify(state_->tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    if (tls->newest_version != 0) {
      SSL_CTX_set_security_level(state_->tls, 0);
      SSL_CTX_set_min_proto_version(state_->tls, 0);
      SSL_CTX_set_max_proto_version(state_->tls, tls->newest_version);
    }
  }
  state_->acceptor = std::thread([this] { state_->accept_loop(); });
}

FakeHttpServer::~FakeHttpServer() {
  state_->stopping = true;
  state_->acceptor.join();
  for (auto& connection : state_->connections) connection.join();
  close(state_->listener);
  SSL_CTX_free(state_->tls);
}

int FakeHttpServer::port() const { return state_->port; }

std::string FakeHttpServer::url(std::string_view path) const {
  return std::string(state_->tls != nullptr ? "https" : "http") + "://127.0.0.1:" + std::to_string(state_->port) +
         std::string(path);
}

void FakeHttpServer::script(std::vector<FakeAnswer> script) {
  const std::lock_guard lock(state_->mutex);
  state_->script = std::move(script);
  state_->next_answer = 0;
  state_->service = nullptr;
}

void FakeHttpServer::serve(std::function<FakeAnswer(const FakeRequest&)> service) {
  const std::lock_guard lock(state_->mutex);
  state_->service = std::move(service);
}

std::vector<FakeRequest> FakeHttpServer::requests() const {
  const std::lock_guard lock(state_->mutex);
  return state_->requests;
}

bool FakeHttpServer::wait_for_requests(std::size_t count, std::chrono::milliseconds patience) const {
  std::unique_lock lock(state_->mutex);
  return state_->arrived.wait_for(lock, patience, [&] { return state_->requests.size() >= count; });
}

std::string FakeRequest::header(std::string_view name) const {
  for (const auto& header : headers) {
    if (same_word(header.name, name)) return header.value;
  }
  return "";
}

int unused_port() {
  int port = 0;
  close(listen_somewhere(port));
  return port;
}

}  // namespace sidewatch
