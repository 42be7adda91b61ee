// What a server's errors mean for whoever reads the log.
#include "collectors/database/redis/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidewatch::database::redis {
namespace {

using ::testing::HasSubstr;

struct Case {
  std::string_view error;
  FailureKind kind;
  bool lost;
  std::string_view says;
};

TEST(RedisErrors, AreSortedByWhatFollowsFromThem) {
  constexpr Case cases[] = {
      {"NOPERM this user has no permissions to run the 'config|get' command", FailureKind::denied, false,
       "the user watch may not run CONFIG GET: allow it with ACL SETUSER watch +config|get"},
      {"NOPERM User watch has no permissions to run the 'config|get' command", FailureKind::denied, false, "+config|get"},
      {"NOPERM this user has no permissions to access one of the keys used as arguments", FailureKind::denied, false,
       "may not read this key"},
      {"NOAUTH Authentication required.", FailureKind::login_refused, true, "asks for a password"},
      {"WRONGPASS invalid username-password pair or user is disabled.", FailureKind::login_refused, true,
       "refuses the user watch"},
      {"ERR invalid password", FailureKind::login_refused, true, "wrong user or password"},
      {"ERR AUTH <password> called without any password configured for the default user. Are you sure your "
       "configuration is correct?",
       FailureKind::login_refused, true, "take password out"},
      {"ERR Client sent AUTH, but no password is set", FailureKind::login_refused, true, "take password out"},
      {"ERR max number of clients reached", FailureKind::too_many_connections, true, "maxclients"},
      {"ERR max number of clients + cluster connections reached", FailureKind::too_many_connections, true, "maxclients"},
      {"DENIED Redis is running in protected mode because protected mode is enabled", FailureKind::login_refused, true,
       "protected mode"},
      {"ERR unknown command 'CONFIG', with args beginning with: 'GET'", FailureKind::missing, false, "no CONFIG GET"},
      {"ERR unknown command `CONFIG`, with args beginning with: `GET`", FailureKind::missing, false, "no CONFIG GET"},
      {"ERR Unknown subcommand or wrong number of arguments for 'GET'. Try CONFIG HELP.", FailureKind::missing, false,
       "no CONFIG GET"},
      {"LOADING Redis is loading the dataset in memory", FailureKind::other, false, "loading its data"},
      {"BUSY Redis is busy running a script.", FailureKind::other, false, "SCRIPT KILL"},
      {"ERR something\nelse", FailureKind::other, false, "CONFIG GET is answered with: ERR something. else"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(std::string(one.error));
    const auto failure = failure_of(one.error, {"CONFIG", "GET", "maxmemory"}, "watch");
    EXPECT_EQ(failure.kind, one.kind);
    EXPECT_EQ(failure.connection_lost, one.lost);
    EXPECT_THAT(failure.text, HasSubstr(std::string(one.says)));
  }
}

TEST(RedisErrors, AreCutAndWithoutControlCharacters) {
  const auto failure = failure_of("ERR \x1b[31m" + std::string(1000, 'x'), {"INFO", "all"}, "");
  EXPECT_LT(failure.text.size(), 400u);
  EXPECT_EQ(failure.text.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace sidewatch::database::redis
