// Streams to servers that close, dribble, stop or are not there: every wait ends at its deadline.
#include "collectors/database/stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace sidewatch::database {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// Listens on a free port of 127.0.0.1; a test takes what connects, or nobody does.
class Listener {
 public:
  Listener() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(fd_, 8), 0);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { stop(); }
  void stop() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  int take() { return accept(fd_, nullptr, nullptr); }
  Address address() const { return {.host = "127.0.0.1", .port = port_, .socket = {}}; }

 private:
  int fd_;
  int port_ = 0;
};

TEST(DatabaseStream, CarriesBytesBothWays) {
  Listener listener;
  Dialer dialer(listener.address(), std::nullopt);
  std::unique_ptr<Stream> stream;
  ASSERT_FALSE(dialer.dial(Deadline(10s), stream));
  const int server = listener.take();
  EXPECT_FALSE(stream->write("ping", Deadline(10s)));
  char buffer[8] = {};
  EXPECT_EQ(recv(server, buffer, sizeof buffer, 0), 4);
  EXPECT_EQ(send(server, "pong", 4, 0), 4);
  std::string bytes = "so far ";
  EXPECT_FALSE(stream->read(bytes, Deadline(10s)));
  EXPECT_EQ(bytes, "so far pong");
  close(server);
  const auto end = stream->read(bytes, Deadline(10s));
  ASSERT_TRUE(end);
  EXPECT_EQ(end->kind, FailureKind::lost);
  EXPECT_TRUE(end->connection_lost);
  EXPECT_EQ(bytes, "so far pong");
}

TEST(DatabaseStream, WaitsForAnAnswerUntilItsDeadlineAndNoLonger) {
  Listener listener;  // takes connections, as a stopped server does, and says nothing
  Dialer dialer(listener.address(), std::nullopt);
  std::unique_ptr<Stream> stream;
  ASSERT_FALSE(dialer.dial(Deadline(10s), stream));
  std::string bytes;
  const auto begin = std::chrono::steady_clock::now();
  const auto failure = stream->read(bytes, Deadline(50ms));
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind, FailureKind::timeout);
  EXPECT_TRUE(failure->connection_lost);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 50ms);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

TEST(DatabaseStream, ADeadlineIsForAllOfAWrite) {
  Listener listener;
  Dialer dialer(listener.address(), std::nullopt);
  std::unique_ptr<Stream> stream;
  ASSERT_FALSE(dialer.dial(Deadline(10s), stream));
  const auto failure = stream->write(std::string(std::size_t{64} << 20, 'x'), Deadline(100ms));  // nobody reads it
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind, FailureKind::timeout);
}

TEST(DatabaseStream, ADeadlineIsForAllOfAnAnswerThatDribbles) {
  Listener listener;
  Dialer dialer(listener.address(), std::nullopt);
  std::unique_ptr<Stream> stream;
  ASSERT_FALSE(dialer.dial(Deadline(10s), stream));
  const int server = listener.take();
  std::atomic<bool> over = false;
  std::thread dribble([&] {
    while (!over && send(server, "x", 1, MSG_NOSIGNAL) == 1) std::this_thread::sleep_for(1ms);
  });
  std::string bytes;
  std::optional<Failure> failure;
  const auto begin = std::chrono::steady_clock::now();
  const Deadline deadline(100ms);
  while (!failure && std::chrono::steady_clock::now() - begin < 10s) failure = stream->read(bytes, deadline);
  over = true;
  dribble.join();
  close(server);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind, FailureKind::timeout);
  EXPECT_FALSE(bytes.empty());
}

TEST(DatabaseStream, SaysWhyThereIsNone) {
  Listener listener;
  const auto gone = listener.address();
  listener.stop();
  std::unique_ptr<Stream> stream;
  const auto refused = Dialer(gone, std::nullopt).dial(Deadline(10s), stream);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->kind, FailureKind::unreachable);
  EXPECT_THAT(refused->text, HasSubstr(gone.text() + ": connection refused: is the server running"));

  const Address no_socket{.host = {}, .port = 0, .socket = "/nonexistent/server.sock"};
  const auto missing = Dialer(no_socket, std::nullopt).dial(Deadline(10s), stream);
  ASSERT_TRUE(missing);
  EXPECT_THAT(missing->text, HasSubstr("/nonexistent/server.sock: there is no such socket"));

  const Address long_path{.host = {}, .port = 0, .socket = '/' + std::string(200, 'x')};
  const auto too_long = Dialer(long_path, std::nullopt).dial(Deadline(10s), stream);
  ASSERT_TRUE(too_long);
  EXPECT_THAT(too_long->text, HasSubstr("at most 107 characters"));
  EXPECT_FALSE(stream);
}

TEST(DatabaseStream, SaysWhichFileOfTlsCannotBeUsed) {
  Listener listener;
  TlsConfig tls;
  tls.ca = "/nonexistent/ca.crt";
  std::unique_ptr<Stream> stream;
  const auto failure = Dialer(listener.address(), tls).dial(Deadline(10s), stream);
  ASSERT_TRUE(failure);
  EXPECT_THAT(failure->text, HasSubstr("TLS: /nonexistent/ca.crt: no certificates (PEM) can be read"));
  EXPECT_FALSE(stream);
}

}  // namespace
}  // namespace sidewatch::database
