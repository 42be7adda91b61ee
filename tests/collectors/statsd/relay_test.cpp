// Lines in, datagrams out of real sockets.
#include "collectors/statsd/relay.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace sidewatch::statsd {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Receiver {
 public:
  explicit Receiver(int family = AF_INET, const std::string& path = {}) : fd_(socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{5, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (family == AF_UNIX) {
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      path.copy(address.sun_path, sizeof address.sun_path - 1);
      EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
      return;
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
  }
  ~Receiver() { ::close(fd_); }

  std::string next(int flags = 0) const {
    std::array<char, 1 << 16> bytes{};
    const auto count = recv(fd_, bytes.data(), bytes.size(), flags);
    return count < 0 ? "" : std::string(bytes.data(), static_cast<std::size_t>(count));
  }

  int port = 0;

 private:
  const int fd_;
};

Endpoint at(const Receiver& receiver, const std::string& host = "127.0.0.1") {
  return {Transport::udp, host, std::to_string(receiver.port), ""};
}

const Time now = time_at_ms(600'000);

TEST(Relay, PacksTheLinesOfManyDatagramsAndSendsThemToAll) {
  const Receiver a;
  const Receiver b;
  Relay relay({at(a), at(b)});
  EXPECT_THAT(relay.refresh(now), IsEmpty());
  relay.take("hits:1|c|#route:/a\ndepth:5|g");
  relay.take("hits:2|c\n");
  relay.flush();
  for (const auto* receiver : {&a, &b}) EXPECT_EQ(receiver->next(), "hits:1|c|#route:/a\ndepth:5|g\nhits:2|c");
  relay.flush();
  EXPECT_EQ(a.next(MSG_DONTWAIT), "");
  EXPECT_EQ(relay.counts(0).lines, 3U);
  EXPECT_EQ(relay.counts(1).dropped, 0U);
  EXPECT_EQ(relay.name(0), "udp://127.0.0.1:" + std::to_string(a.port));
}

TEST(Relay, SendsNoDatagramThatWouldBeCutButALongLine) {
  const Receiver receiver;
  Relay relay({at(receiver)});
  relay.refresh(now);
  std::string all;
  for (int i = 0; i < 300; ++i) all += (i == 0 ? "" : "\n") + ("counter." + std::to_string(i) + ":1|c");
  const std::string longest = "long:" + std::string(3000, '1') + "|s";
  relay.take(all);
  relay.take(longest);
  relay.flush();
  std::string received;
  for (std::string datagram; received.size() < all.size();) {
    datagram = receiver.next();
    ASSERT_FALSE(datagram.empty());
    ASSERT_LE(datagram.size(), Relay::max_datagram);
    received += (received.empty() ? "" : "\n") + datagram;
  }
  EXPECT_EQ(received, all);
  EXPECT_EQ(receiver.next(), longest);
}

TEST(Relay, WaitsForNobodyAndCountsWhatIsLost) {
  const TempDir dir;
  const std::string path = dir.path() + "/other.sock";
  Relay relay({{Transport::unix_datagram, "", "", path}});
  EXPECT_THAT(relay.refresh(now), HasSubstr("other.sock: No such file or directory"));
  relay.take("early:1|c");
  relay.flush();
  EXPECT_EQ(relay.counts(0).dropped, 1U);

  const Receiver receiver(AF_UNIX, path);  // which nobody reads
  EXPECT_THAT(relay.refresh(now), IsEmpty());
  constexpr int many = 10'000;
  for (int i = 0; i < many; ++i) {
    relay.take("x:1|c");
    relay.flush();
  }
  EXPECT_GT(relay.counts(0).lines, 0U);
  EXPECT_GT(relay.counts(0).dropped, 1U);
  EXPECT_EQ(relay.counts(0).lines + relay.counts(0).dropped, many + 1U);
}

TEST(Relay, FindsAUnixSocketAgainThatWasMadeAnew) {
  const TempDir dir;
  const std::string path = dir.path() + "/other.sock";
  Relay relay({{Transport::unix_datagram, "", "", path}});
  {
    const Receiver first(AF_UNIX, path);
    relay.refresh(now);
  }
  relay.take("lost:1|c");
  relay.flush();
  unlink(path.c_str());
  const Receiver second(AF_UNIX, path);
  EXPECT_THAT(relay.refresh(now), IsEmpty());
  relay.take("found:1|c");
  relay.flush();
  EXPECT_EQ(second.next(), "found:1|c");
}

TEST(Relay, LooksNamesUpAgainAndSaysWhichLeadNowhere) {
  const Receiver receiver;
  Relay relay({at(receiver, "localhost"), at(receiver, "no-such-host.invalid")});
  std::string trouble;
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (relay.counts(0).lines == 0 && std::chrono::steady_clock::now() < deadline) {
    trouble = relay.refresh(now);
    relay.take("a:1|c");
    relay.flush();
  }
  EXPECT_EQ(receiver.next(), "a:1|c");
  EXPECT_THAT(trouble, HasSubstr("no-such-host.invalid"));
  EXPECT_GT(relay.counts(1).dropped, 0U);
  relay.refresh(now + 2 * Relay::fresh_for);
  relay.take("b:1|c");
  relay.flush();
  EXPECT_EQ(receiver.next(), "b:1|c");
}

}  // namespace
}  // namespace sidewatch::statsd
