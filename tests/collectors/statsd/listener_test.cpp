// Real sockets: what is sent comes out in lines, and the listener ends when it is woken.
#include "collectors/statsd/listener.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace sidewatch::statsd {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Client {
 public:
  Client(int family, int type) : fd_(socket(family, type | SOCK_CLOEXEC, 0)) {}
  ~Client() { ::close(fd_); }

  void connect_to(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  void connect_to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  void send(std::string_view text) const {
    ASSERT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  void close() { shutdown(fd_, SHUT_RDWR); }

 private:
  const int fd_;
};

class ListenerTest : public ::testing::Test {
 protected:
  ~ListenerTest() override { ::close(wake); }

  void open(const std::string& endpoint) {
    const auto parsed = parse_endpoint(endpoint);
    ASSERT_TRUE(parsed) << parsed.error().text();
    const auto opened = listener.open(*parsed);
    ASSERT_TRUE(opened) << opened.error().text();
  }

  // Takes in what has been sent: the sockets are read before the listener sees that it is woken, or in a later round.
  void receive(std::size_t pieces) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (seen.size() < pieces && std::chrono::steady_clock::now() < deadline) receive_what_is_there();
  }

  void receive_what_is_there() {
    eventfd_write(wake, 1);
    listener.receive(wake);
    eventfd_t rings = 0;
    eventfd_read(wake, &rings);
  }

  TempDir dir;
  std::vector<std::string> seen;
  std::function<void()> on_take;
  std::size_t pauses = 0;
  std::size_t taken_before_last_pause = 0;
  Listener listener{[this](std::string_view lines) {
                      seen.emplace_back(lines);
                      if (on_take) on_take();
                    },
                    [this] {
                      ++pauses;
                      taken_before_last_pause = seen.size();
                    }};
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
};

TEST_F(ListenerTest, TakesDatagramsAsTheyCome) {
  open("udp://127.0.0.1:0");
  Client client(AF_INET, SOCK_DGRAM);
  client.connect_to(listener.port());
  for (int i = 0; i < 100; ++i) client.send("a:" + std::to_string(i) + "|c\nb:1|c");
  receive(100);
  ASSERT_EQ(seen.size(), 100u);
  EXPECT_EQ(seen.front(), "a:0|c\nb:1|c");
  EXPECT_EQ(seen.back(), "a:99|c\nb:1|c");
  EXPECT_EQ(listener.counts().packets[static_cast<std::size_t>(Transport::udp)], 100u);
}

// A burst that nobody reads in time, and silence behind it.
TEST_F(ListenerTest, CountsWhatTheKernelDroppedWithoutADatagramBehindIt) {
  open("udp://127.0.0.1:0");
  Client client(AF_INET, SOCK_DGRAM);
  client.connect_to(listener.port());
  const std::string datagram = "burst:1|c|#" + std::string(8000, 'x');
  constexpr std::size_t sent = 10'000;  // ten times what fits
  for (std::size_t i = 0; i < sent; ++i) client.send(datagram);
  const auto udp = static_cast<std::size_t>(Transport::udp);
  const std::uint64_t dropped = listener.counts().dropped[udp];
  EXPECT_GT(dropped, 0u);
  EXPECT_EQ(listener.counts().dropped[udp], dropped) << "asked again it is no more";
  receive(sent - dropped);
  EXPECT_EQ(listener.counts().packets[udp] + dropped, sent);
}

TEST_F(ListenerTest, LeavesOutTheLineThatALongDatagramWasCutIn) {
  open("udp://127.0.0.1:0");
  Client client(AF_INET, SOCK_DGRAM);
  client.connect_to(listener.port());
  client.send("whole:1|c\n" + std::string(Listener::max_datagram, 'x'));
  client.send(std::string(Listener::max_datagram + 1, 'y'));
  receive(2);
  EXPECT_THAT(seen, ElementsAre("whole:1|c", ""));
  EXPECT_EQ(listener.counts().cut, 2u);
}

TEST_F(ListenerTest, TakesDatagramsOfAUnixSocketAndRemovesItAtTheEnd) {
  const std::string path = dir.path() + "/app.sock";
  {
    Listener other([](std::string_view) {});
    ASSERT_TRUE(other.open(*parse_endpoint("unixgram://" + path)));
    const auto twice = listener.open(*parse_endpoint("unixgram://" + path));
    ASSERT_FALSE(twice);
    EXPECT_EQ(twice.error().what, "another program listens at " + path);
  }
  EXPECT_NE(access(path.c_str(), F_OK), 0);
  open("unixgram://" + path);
  Client client(AF_UNIX, SOCK_DGRAM);
  client.connect_to(path);
  client.send("a:1|c");
  receive(1);
  EXPECT_THAT(seen, ElementsAre("a:1|c"));
}

TEST_F(ListenerTest, ReplacesASocketThatADeadProcessLeftButNothingElse) {
  const std::string path = dir.path() + "/app.sock";
  const int left = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(left, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(left);
  open("unixgram://" + path);
  const std::string file = dir.path() + "/file";
  ASSERT_EQ(mknod(file.c_str(), S_IFREG | 0600, 0), 0);
  const auto refused = listener.open(*parse_endpoint("unix://" + file));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().what, file + " is there already and is not a socket");
}

TEST_F(ListenerTest, PutsTheLinesOfAStreamTogether) {
  open("tcp://127.0.0.1:0");
  Client client(AF_INET, SOCK_STREAM);
  client.connect_to(listener.port());
  client.send("a:1|c\nb:2");
  receive(1);
  client.send("|c\nc:3|c\nd:4|c");
  receive(3);
  client.close();
  receive(4);
  EXPECT_THAT(seen, ElementsAre("a:1|c", "b:2|c", "c:3|c", "d:4|c"));
  EXPECT_EQ(listener.counts().streams, 0u);
}

std::string packet(const std::string& lines) {
  const std::size_t size = lines.size();
  return {static_cast<char>(size & 0xff), static_cast<char>(size >> 8 & 0xff), static_cast<char>(size >> 16), '\0'};
}

// As datadog-go writes them to a Unix stream; in pieces of every length.
TEST_F(ListenerTest, TakesPacketsWithTheirLengthBeforeThem) {
  open("unix://" + dir.path() + "/stream.sock");
  const std::string large(Listener::max_datagram + 1, 'x');
  std::string stream;
  for (const std::string& lines : {std::string("a:1|c\nb:2|c\n"), std::string(), large, std::string("c:3|c")}) {
    stream += packet(lines) + lines;
  }
  for (const std::size_t piece : {std::size_t{1000}, std::size_t{1}, std::size_t{3}, stream.size()}) {
    seen.clear();
    Client client(AF_UNIX, SOCK_STREAM);
    client.connect_to(dir.path() + "/stream.sock");
    const std::uint64_t cut = listener.counts().cut;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      client.send(std::string_view(stream).substr(at, piece));
      receive_what_is_there();
    }
    receive(2);
    EXPECT_THAT(seen, ElementsAre("a:1|c\nb:2|c\n", "c:3|c")) << "in pieces of " << piece;
    EXPECT_EQ(listener.counts().cut, cut + 1);
  }
}

TEST_F(ListenerTest, LeavesOutALineOfAStreamThatIsLongerThanABuffer) {
  open("unix://" + dir.path() + "/stream.sock");
  Client client(AF_UNIX, SOCK_STREAM);
  client.connect_to(dir.path() + "/stream.sock");
  client.send("a:1|c\n" + std::string(Listener::max_datagram + 1000, 'x'));
  receive(1);
  client.send(std::string(1000, 'x') + "\nb:2|c\n");
  receive(2);
  EXPECT_THAT(seen, ElementsAre("a:1|c", "b:2|c"));
  EXPECT_EQ(listener.counts().cut, 1u);
}

TEST_F(ListenerTest, ClosesTheMostSilentStreamForOneTooMany) {
  open("tcp://127.0.0.1:0");
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i <= Listener::max_streams; ++i) {
    clients.push_back(std::make_unique<Client>(AF_INET, SOCK_STREAM));
    clients.back()->connect_to(listener.port());
    clients.back()->send("a:1|c\n");
    receive(i + 1);
  }
  EXPECT_EQ(seen.size(), Listener::max_streams + 1);
  EXPECT_EQ(listener.counts().streams, Listener::max_streams);
  EXPECT_EQ(listener.counts().streams_closed, 1u);
}

// Takes away the descriptors that are left, until it goes.
class NoDescriptors {
 public:
  NoDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int next = dup(0);
    ::close(next);
    const rlimit none{static_cast<rlim_t>(next), before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(ListenerTest, LetsAConnectionWaitForWhichThereIsNoDescriptorAndReadsTheOthersMeanwhile) {
  open("tcp://127.0.0.1:0");
  open("unixgram://" + dir.path() + "/app.sock");
  Client late(AF_INET, SOCK_STREAM);
  late.connect_to(listener.port());
  late.send("late:1|c\n");
  Client datagrams(AF_UNIX, SOCK_DGRAM);
  datagrams.connect_to(dir.path() + "/app.sock");
  {
    const NoDescriptors none;
    constexpr int rounds = 200;  // of one call: each takes one datagram, and the connection is there all the time
    int taken = 0;
    datagrams.send("early:1|c");
    on_take = [&] {
      ++taken < rounds ? datagrams.send("early:1|c") : void(eventfd_write(wake, 1));
    };
    listener.receive(wake);
    EXPECT_EQ(taken, rounds);
    EXPECT_EQ(listener.counts().accept_failures, 1U);
  }
  on_take = {};
  eventfd_t rings = 0;
  eventfd_read(wake, &rings);
  seen.clear();
  receive(1);
  EXPECT_THAT(seen, ElementsAre("late:1|c"));
}

TEST_F(ListenerTest, SaysWhenWhatWasThereHasBeenTaken) {
  open("udp://127.0.0.1:0");
  Client client(AF_INET, SOCK_DGRAM);
  client.connect_to(listener.port());
  for (int i = 0; i < 3; ++i) client.send("a:1|c");
  receive(3);
  EXPECT_GE(pauses, 1U);
  EXPECT_EQ(taken_before_last_pause, 3U);
}

TEST_F(ListenerTest, LetsDatagramsComeTogetherWhereOneFollowsAnother) {
  open("udp://127.0.0.1:0");
  Client client(AF_INET, SOCK_DGRAM);
  client.connect_to(listener.port());
  constexpr int rounds = 100;  // each takes one datagram, which the one before has sent
  constexpr auto shortest_rest = std::chrono::microseconds(100);
  int taken = 0;
  client.send("hits:1|c");
  on_take = [&] { ++taken < rounds ? client.send("hits:1|c") : void(eventfd_write(wake, 1)); };
  const auto began = std::chrono::steady_clock::now();
  listener.receive(wake);
  EXPECT_GE(std::chrono::steady_clock::now() - began, rounds / 2 * shortest_rest);
  EXPECT_EQ(taken, rounds);
}

TEST(StatsdEndpoint, IsATransportAndAnAddress) {
  const auto udp = parse_endpoint("udp://127.0.0.1:8125");
  ASSERT_TRUE(udp);
  EXPECT_EQ(udp->host, "127.0.0.1");
  EXPECT_EQ(udp->port, "8125");
  const auto tcp = parse_endpoint("tcp://[::1]:9125");
  ASSERT_TRUE(tcp);
  EXPECT_EQ(tcp->host, "::1");
  EXPECT_FALSE(is_open_to_others(*udp));
  EXPECT_FALSE(is_open_to_others(*parse_endpoint("tcp://[::1]:8125")));
  EXPECT_FALSE(is_open_to_others(*parse_endpoint("udp://localhost:8125")));
  EXPECT_FALSE(is_open_to_others(*parse_endpoint("unixgram:///run/app.sock")));
  for (const char* open : {"udp://:8125", "udp://0.0.0.0:8125", "tcp://[::]:8125", "tcp://192.0.2.1:8125"}) {
    EXPECT_TRUE(is_open_to_others(*parse_endpoint(open))) << open;
  }
  const auto all = parse_endpoint("udp://:8125");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->host, "");
  for (const auto text : {"", "8125", "udp:127.0.0.1:8125", "http://a:1", "udp://127.0.0.1", "udp://127.0.0.1:",
                          "udp://127.0.0.1:x", "udp://127.0.0.1:65536", "udp://127.0.0.1:123456", "unix://a", "unixgram://"}) {
    const auto refused = parse_endpoint(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_THAT(refused.error().what, HasSubstr("write udp://127.0.0.1:8125"));
  }
}

}  // namespace
}  // namespace sidewatch::statsd
