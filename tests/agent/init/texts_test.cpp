#include "agent/init/texts.h"

#include <gtest/gtest.h>

#include <string>

namespace sidewatch::discovery {
namespace {

constexpr const char* line =
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1 0 100 0 0 10 0";

TEST(SocketLine, TellsWhoListensWhereAndWhoseItIs) {
  const auto socket = parse_socket_line(line);
  ASSERT_TRUE(socket);
  EXPECT_EQ(socket->state, SocketLine::State::listening);
  EXPECT_EQ(socket->local_address, "127.0.0.1");
  EXPECT_EQ(socket->local_port, 8080);
  EXPECT_EQ(socket->uid, 1000u);
  EXPECT_EQ(socket->inode, 12345u);
}

TEST(SocketLine, ReadsAddressesOfBothFamilies) {
  const auto of = [](const std::string& end_point) {
    const auto socket = parse_socket_line("1: " + end_point + " 00000000:0000 01 0:0 0:0 0 0 0 7");
    return socket ? socket->local_address : "";
  };
  EXPECT_EQ(of("00000000:0016"), "0.0.0.0");
  EXPECT_EQ(of("00000000000000000000000000000000:0016"), "[::]");
  EXPECT_EQ(of("00000000000000000000000001000000:0016"), "[::1]");
  EXPECT_EQ(of("0000000000000000FFFF00000100007F:0016"), "127.0.0.1");
  EXPECT_EQ(of("B80D01200000000067452301EFCDAB89:0016"), "[2001:db8::123:4567:89ab:cdef]");
}

// Cut anywhere before its inode a line is none; cut within the number it cannot be told from a whole one.
TEST(SocketLine, IsNoneWhenItIsCutShort) {
  const std::string whole = line;
  for (std::size_t length = 0; length <= whole.find("12345"); ++length) {
    EXPECT_FALSE(parse_socket_line(whole.substr(0, length))) << length;
  }
}

TEST(SocketLine, IsNoneWithStrangeNumbers) {
  for (const char* strange : {"0: 0100007F:1F9000 00000000:0000 0A 0 0 0 0 0 1", "0: 0100007:1F90 00000000:0000 0A 0 0 0 0 0 1",
                              "0: 0100007F1F90 00000000:0000 0A 0 0 0 0 0 1", "0: 0100007F:1F90 00000000:0000 0A 0 0 0 x 0 1",
                              "0: 0100007F:1F90 00000000:0000 0A 0 0 0 5000000000 0 1", "sl local_address rem_address st"}) {
    EXPECT_FALSE(parse_socket_line(strange)) << strange;
  }
}

TEST(UnixSocket, IsToldWhenItListensUnderAPath) {
  const auto of = [](const std::string& text) { return parse_unix_listener(text).value_or("none"); };
  EXPECT_EQ(of("0000: 00000002 00000000 00010000 0001 01 60 /run/redis/redis.sock"), "/run/redis/redis.sock");
  EXPECT_EQ(of("0000: 00000002 00000000 00010000 0001 01 60 /run/with a blank"), "/run/with a blank");
  EXPECT_EQ(of("0000: 00000003 00000000 00000000 0001 03 61 /run/redis/redis.sock"), "none");  // connected
  EXPECT_EQ(of("0000: 00000002 00000000 00010000 0005 01 62 /run/udev/control"), "none");      // no stream
  EXPECT_EQ(of("0000: 00000002 00000000 00010000 0001 01 63 @/abstract"), "none");
  EXPECT_EQ(of("0000: 00000002 00000000 00010000 0001 01 64"), "none");
  EXPECT_EQ(of("Num       RefCount Protocol Flags    Type St Inode Path"), "none");
}

TEST(UserName, IsLookedUpByNumber) {
  const char* passwd = "root:x:0:0:root:/root:/bin/sh\n:x:7:\nbad line\napp:x:1000:1000::/srv:/bin/sh\n";
  EXPECT_EQ(user_name(passwd, 0), "root");
  EXPECT_EQ(user_name(passwd, 1000), "app");
  EXPECT_EQ(user_name(passwd, 100), "100");
  EXPECT_EQ(user_name(passwd, 7), "7");  // an entry without a name
}

}  // namespace
}  // namespace sidewatch::discovery
