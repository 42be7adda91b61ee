#include "alerting/receivers/syslog.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <thread>

#include "base/descriptor.h"
#include "base/utf8.h"
#include "tests/alerting/receivers/receiver_world.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

// A socket of 127.0.0.1 on a free port.
struct LocalSocket {
  Descriptor fd;
  int port = 0;

  explicit LocalSocket(int type) : fd(socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
  }
};

std::string datagram(int fd) {
  pollfd entry{fd, POLLIN, 0};
  if (poll(&entry, 1, 10'000) <= 0) return "(nothing came)";
  char bytes[65536];
  const auto got = recv(fd, bytes, sizeof bytes, 0);
  return got < 0 ? "(nothing came)" : std::string(bytes, static_cast<std::size_t>(got));
}

class SyslogTest : public ReceiverWorld {
 protected:
  std::unique_ptr<Receiver> to(const std::string& address, const std::string& more = "") {
    return receiver("  syslog: {address: \"" + address + "\"" + more + "}\n");
  }
};

TEST_F(SyslogTest, SaysItToTheLogOfThisMachineAsProgramsDo) {
  const TempDir directory;
  const std::string path = directory.path() + "/log";
  const Descriptor log(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(bind(log.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(why(send(to(path))), "(delivered)");
  const std::string line = datagram(log.get());
  EXPECT_THAT(line, MatchesRegex("<28>[A-Z][a-z][a-z] [ 0-9][0-9] [0-9:]+ sidewatch.[0-9]+.: WARNING: Memory at 93% on "
                                 "a1 . Rule: HostMemoryHigh .*"));
}

TEST_F(SyslogTest, SpeaksRfc5424OverUdp) {
  host_ = "web 7";
  const LocalSocket server(SOCK_DGRAM);
  const auto log = to("udp://127.0.0.1:" + std::to_string(server.port), ", facility: local3, tag: shop");
  EXPECT_EQ(why(log->send(deliver_alone(make_notification({.id = "n-1", .level = Level::critical})))), "(delivered)");
  EXPECT_THAT(datagram(server.fd.get()),
              MatchesRegex("<154>1 2026-03-01T12:00:00.000Z web_7 shop [0-9]+ a1 - CRITICAL: Memory at 93% on a1 .*"));
  EXPECT_EQ(why(log->send(deliver_alone(make_notification({.id = "n-2", .reason = Reason::resolved})))), "(delivered)");
  EXPECT_THAT(datagram(server.fd.get()), StartsWith("<157>1 "));
}

TEST_F(SyslogTest, StaysOneLineInsideItsLimitWhateverIsSaid) {
  const LocalSocket server(SOCK_DGRAM);
  auto n = make_notification({.id = "n-1"});
  std::string flood;
  for (int i = 0; i < 3000; ++i) flood += "\xE2\x82\xAC";
  n.annotations = Labels{{"summary", "a\n<0>1 forged\r\n"}, {"description", flood}};
  EXPECT_EQ(why(to("udp://localhost:" + std::to_string(server.port))->send(deliver_alone(n))), "(delivered)");
  const std::string line = datagram(server.fd.get());
  EXPECT_LE(line.size(), 2048U);
  EXPECT_GT(line.size(), 2000U);
  EXPECT_TRUE(is_utf8(line));
  EXPECT_TRUE(line.ends_with("\xE2\x80\xA6"));
  EXPECT_THAT(line, Not(HasSubstr("\n")));
}

TEST_F(SyslogTest, CountsItsOctetsOverTcp) {
  const LocalSocket server(SOCK_STREAM);
  ASSERT_EQ(listen(server.fd.get(), 4), 0);
  std::string heard;
  std::thread other([&] {
    const Descriptor client(accept(server.fd.get(), nullptr, nullptr));
    char bytes[4096];
    for (long got = 0; (got = recv(client.get(), bytes, sizeof bytes, 0)) > 0;)
      heard.append(bytes, static_cast<std::size_t>(got));
  });
  EXPECT_EQ(why(send(to("tcp://127.0.0.1:" + std::to_string(server.port)))), "(delivered)");
  other.join();
  const auto space = heard.find(' ');
  ASSERT_NE(space, std::string::npos);
  EXPECT_EQ(std::stoul(heard), heard.size() - space - 1);
  EXPECT_THAT(heard.substr(space + 1), StartsWith("<28>1 "));
}

TEST_F(SyslogTest, ComesBackWhereNobodyListens) {
  for (const auto& address : {"tcp://127.0.0.1:" + std::to_string(unused_port()), std::string("/nowhere/log")}) {
    const Attempt attempt = send(to(address));
    ASSERT_TRUE(std::holds_alternative<RetryLater>(attempt)) << address;
    EXPECT_TRUE(std::get<RetryLater>(attempt).whole_receiver);
    EXPECT_THAT(why(attempt), StartsWith(address + ": "));
  }
}

TEST(SyslogPlan, SaysWhatIsWrongInIt) {
  const auto problems = [](const std::string& settings) {
    return read_receivers("receivers:\n- {name: a, syslog: {" + settings + "}}\n").problems;
  };
  EXPECT_EQ(problems(""), "");
  EXPECT_EQ(problems("address: \"udp://[::1]:514\""), "");
  EXPECT_THAT(problems("address: logs.example"), HasSubstr("write /dev/log, udp://host:514 or tcp://host:601"));
  EXPECT_THAT(problems("address: \"udp://logs.example\""), HasSubstr("address has no port"));
  EXPECT_THAT(problems("address: \"tcp://logs.example:0\""), HasSubstr("address has no port from 1 to 65535"));
  EXPECT_THAT(problems("tag: \"a b\""), HasSubstr("tag is up to 32 letters"));
}

}  // namespace
}  // namespace sidewatch
