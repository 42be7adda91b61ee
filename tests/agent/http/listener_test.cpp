#include "agent/http/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

namespace sidewatch {
namespace {

using Kind = HttpAddress::Kind;

class HttpListenerFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "sidewatch-listen-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  HttpAddress address() const { return {Kind::unix_path, (folder_ / "agent.sock").string(), 0}; }
  std::filesystem::path folder_;
};

TEST(HttpAddress, ReadsEveryForm) {
  struct {
    const char* text;
    Kind kind;
    const char* host;
    int port;
    const char* shown;
  } const cases[] = {
      {"127.0.0.1:9766", Kind::ipv4, "127.0.0.1", 9766, "127.0.0.1:9766"},
      {"0.0.0.0:0", Kind::ipv4, "0.0.0.0", 0, "0.0.0.0:0"},
      {"localhost:80", Kind::ipv4, "127.0.0.1", 80, "127.0.0.1:80"},
      {"[::1]:9766", Kind::ipv6, "::1", 9766, "[::1]:9766"},
      {":9766", Kind::any, "", 9766, ":9766"},
      {"*:9766", Kind::any, "", 9766, ":9766"},
      {"unix:/run/x.sock", Kind::unix_path, "/run/x.sock", 0, "unix:/run/x.sock"},
  };
  for (const auto& each : cases) {
    const auto address = parse_http_address(each.text);
    ASSERT_TRUE(address) << each.text;
    EXPECT_EQ(address->kind, each.kind) << each.text;
    EXPECT_EQ(address->host, each.host) << each.text;
    EXPECT_EQ(address->port, each.port) << each.text;
    EXPECT_EQ(address->text(), each.shown);
  }
}

TEST(HttpAddress, SaysWhatIsWrongWithTheRest) {
  struct {
    const char* text;
    const char* complaint;
  } const cases[] = {
      {"127.0.0.1", "has no port"},         {"9766", "has no port"},
      {"127.0.0.1:", "no valid port"},      {"127.0.0.1:http", "no valid port"},
      {"127.0.0.1:65536", "no valid port"}, {"127.0.0.1:-1", "no valid port"},
      {"127.0.0.1:80x", "no valid port"},   {"example.com:80", "needs an IP address"},
      {"::1:9766", "needs an IP address"},  {"[127.0.0.1]:80", "needs an IP address"},
      {"[]:80", "needs an IP address"},     {"256.0.0.1:80", "needs an IP address"},
      {"unix:", "absolute path"},           {"unix:x.sock", "absolute path"},
      {"unix:@abstract", "absolute path"},
  };
  for (const auto& each : cases) {
    const auto address = parse_http_address(each.text);
    ASSERT_FALSE(address) << each.text;
    EXPECT_NE(address.error().what.find(each.complaint), std::string::npos) << address.error().what;
  }
  EXPECT_FALSE(parse_http_address("unix:/" + std::string(107, 'x')));
}

TEST(HttpListener, TakesAFreePort) {
  const auto listener = HttpListener::open({Kind::ipv4, "127.0.0.1", 0});
  ASSERT_TRUE(listener);
  EXPECT_GT(listener->address().port, 0);
}

TEST(HttpListener, SaysThatAPortIsInUse) {
  const auto first = HttpListener::open({Kind::ipv4, "127.0.0.1", 0});
  ASSERT_TRUE(first);
  const auto second = HttpListener::open(first->address());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().text(), "127.0.0.1:" + std::to_string(first->address().port) +
                                       " is already in use; is another sidewatch running? choose another http.listen");
}

TEST(HttpListener, SaysThatAnAddressIsNotOurs) {
  const auto listener = HttpListener::open({Kind::ipv4, "192.0.2.1", 0});
  ASSERT_FALSE(listener);
  EXPECT_NE(listener.error().what.find("not an address of this machine"), std::string::npos);
}

TEST(HttpListener, ListensOnEveryAddressAtOnce) {
  const auto any = HttpListener::open({Kind::any, "", 0});
  ASSERT_TRUE(any);
  const auto taken = HttpListener::open({Kind::ipv4, "127.0.0.1", any->address().port});
  EXPECT_FALSE(taken);
}

TEST(HttpListener, ListensOnIpv6WhereTheMachineHasIt) {
  const auto listener = HttpListener::open({Kind::ipv6, "::1", 0});
  if (listener) {
    EXPECT_GT(listener->address().port, 0);
    EXPECT_FALSE(HttpListener::open({Kind::ipv6, "::1", listener->address().port}));
  } else {
    EXPECT_THAT(listener.error().text(), testing::AnyOf(testing::HasSubstr("no IPv6"), testing::HasSubstr("not an address of this machine")));
  }
}

TEST_F(HttpListenerFiles, MakesASocketForOwnerAndGroupWhateverTheUmask) {
  for (const mode_t mask : {0000, 0077}) {
    const mode_t before = ::umask(mask);
    {
      const auto listener = HttpListener::open(address());
      ::umask(before);
      ASSERT_TRUE(listener);
      struct stat status {};
      ASSERT_EQ(::stat(address().host.c_str(), &status), 0);
      EXPECT_EQ(status.st_mode & 0777, 0660u);
    }
    EXPECT_FALSE(std::filesystem::exists(address().host)) << "the file goes with the listener";
  }
}

TEST_F(HttpListenerFiles, ReplacesASocketThatNobodyAnswers) {
  const int stale = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::strcpy(name.sun_path, address().host.c_str());
  ASSERT_EQ(::bind(stale, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  ::close(stale);
  ASSERT_TRUE(std::filesystem::exists(address().host));
  EXPECT_TRUE(HttpListener::open(address()));
}

TEST_F(HttpListenerFiles, LeavesALivingSocketAlone) {
  const auto first = HttpListener::open(address());
  ASSERT_TRUE(first);
  const auto second = HttpListener::open(address());
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().what.find("already in use"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(address().host));
}

TEST_F(HttpListenerFiles, LeavesAFileAlone) {
  std::ofstream(address().host) << "precious";
  const auto listener = HttpListener::open(address());
  ASSERT_FALSE(listener);
  EXPECT_NE(listener.error().what.find("not a socket"), std::string::npos);
  std::string text;
  std::ifstream(address().host) >> text;
  EXPECT_EQ(text, "precious");
}

TEST_F(HttpListenerFiles, DoesNotRemoveASocketThatIsNoLongerItsOwn) {
  {
    const auto first = HttpListener::open(address());
    ASSERT_TRUE(first);
    std::filesystem::remove(address().host);
    std::ofstream(address().host) << "somebody else's";
  }
  EXPECT_TRUE(std::filesystem::exists(address().host));
}

TEST_F(HttpListenerFiles, NamesAMissingFolder) {
  const auto listener = HttpListener::open({Kind::unix_path, (folder_ / "none" / "x.sock").string(), 0});
  ASSERT_FALSE(listener);
  EXPECT_NE(listener.error().what.find("folder does not exist"), std::string::npos);
}

}  // namespace
}  // namespace sidewatch
