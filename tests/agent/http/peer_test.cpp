#include "agent/http/peer.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cstring>

namespace sidewatch {
namespace {

sockaddr_storage v4(const char* text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  EXPECT_EQ(inet_pton(AF_INET, text, &address.sin_addr), 1);
  sockaddr_storage storage{};
  std::memcpy(&storage, &address, sizeof address);
  return storage;
}

sockaddr_storage v6(const char* text) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  EXPECT_EQ(inet_pton(AF_INET6, text, &address.sin6_addr), 1);
  sockaddr_storage storage{};
  std::memcpy(&storage, &address, sizeof address);
  return storage;
}

// Accepted at 127.0.0.1, as far as the kernel can tell.
class HttpPeerTest : public testing::Test {
 protected:
  HttpPeerTest() {
    const sockaddr_storage here = v4("127.0.0.1");
    EXPECT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&here), sizeof(sockaddr_in)), 0);
  }
  ~HttpPeerTest() override { ::close(socket_); }

  HttpPeer of(const sockaddr_storage& remote) const { return peer_of(socket_, remote); }

  int socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

TEST_F(HttpPeerTest, KnowsLoopbackInEveryNotation) {
  for (const auto& remote : {v4("127.0.0.1"), v4("127.9.9.9"), v6("::1"), v6("::ffff:127.0.0.1")}) {
    EXPECT_TRUE(of(remote).is_loopback) << of(remote).address;
  }
  for (const auto& remote : {v4("128.0.0.1"), v4("192.0.2.7"), v6("2001:db8::7"), v6("::ffff:192.0.2.7"), v6("::")}) {
    EXPECT_FALSE(of(remote).is_loopback) << of(remote).address;
  }
}

TEST_F(HttpPeerTest, WritesAnAddressAsPeopleDo) {
  EXPECT_EQ(of(v4("192.0.2.7")).address, "192.0.2.7");
  EXPECT_EQ(of(v6("2001:db8::7")).address, "2001:db8::7");
  EXPECT_EQ(of(v6("::ffff:192.0.2.7")).address, "192.0.2.7");
}

TEST_F(HttpPeerTest, TakesAUnixSocketForTheSameMachine) {
  sockaddr_storage remote{};
  remote.ss_family = AF_UNIX;
  EXPECT_TRUE(of(remote).is_loopback);
  EXPECT_EQ(of(remote).address, "unix");
}

}  // namespace
}  // namespace sidewatch
