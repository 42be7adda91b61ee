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

TEST(Unit, IsTheServiceNearestToTheProcess) {
  EXPECT_EQ(unit_of("0::/system.slice/checkout.service\n"), "checkout");
  EXPECT_EQ(unit_of("0::/system.slice/system-postgresql.slice/postgresql@15-main.service\n"), "postgresql@15-main");
  EXPECT_EQ(unit_of("0::/system.slice/checkout.service/worker\n"), "checkout");
  EXPECT_EQ(unit_of("0::/user.slice/user-1000.slice/user@1000.service/app.slice/bot.service\n"), "bot");
  EXPECT_EQ(unit_of("4:memory:/\n1:name=systemd:/system.slice/checkout.service\n0::/\n"), "checkout");
}

TEST(Unit, IsNoneForSessionsContainersAndUsers) {
  EXPECT_EQ(unit_of("0::/user.slice/user-1000.slice/session-3.scope\n"), "");
  EXPECT_EQ(unit_of("0::/user.slice/user-1000.slice/user@1000.service/init.scope\n"), "");
  EXPECT_EQ(unit_of("0::/system.slice/docker.service/docker/" + std::string(64, 'a') + "\n"), "");
  EXPECT_EQ(unit_of(""), "");
  EXPECT_EQ(unit_of("0::/system.slice/checkout.service"), "");  // torn
}

TEST(Container, IsKnownByTheIdInItsPath) {
  const std::string id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  EXPECT_EQ(container_of("0::/system.slice/docker-" + id + ".scope\n"), "0123456789ab");
  EXPECT_EQ(container_of("5:memory:/docker/" + id + "\n"), "0123456789ab");
  EXPECT_EQ(container_of("0::/kubepods.slice/pod1.slice/cri-containerd-" + id + ".scope\n"), "0123456789ab");
  EXPECT_EQ(container_of("0::/docker/" + id + "0\n"), "");  // too long for one
  EXPECT_EQ(container_of("0::/docker/" + id.substr(1) + "\n"), "");
}

TEST(CgroupPath, IsThatOfMemoryWhereThereAreSeveral) {
  EXPECT_EQ(cgroup_path("0::/a\n"), "/a");
  EXPECT_EQ(cgroup_path("9:cpu:/b\n4:memory:/c\n0::/a\n"), "/c");
  EXPECT_EQ(cgroup_path(""), "");
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
