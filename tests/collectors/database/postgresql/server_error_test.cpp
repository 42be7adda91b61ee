#include "collectors/database/postgresql/server_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidewatch::database::postgresql {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Case {
  const char* sqlstate;
  FailureKind kind;
};

TEST(PostgresqlError, OfAQueryIsKnownByItsCodeInAnyLanguage) {
  for (const auto& [sqlstate, kind] : {Case{"42501", FailureKind::denied}, Case{"42P01", FailureKind::missing},
                                       Case{"42703", FailureKind::missing}, Case{"42883", FailureKind::missing},
                                       Case{"55000", FailureKind::missing}, Case{"57014", FailureKind::timeout},
                                       Case{"55P03", FailureKind::timeout}, Case{"22012", FailureKind::other}}) {
    const auto failure = query_failure(sqlstate, "so nicht", "sidewatch", false);
    EXPECT_EQ(failure.kind, kind) << sqlstate;
    EXPECT_FALSE(failure.connection_lost) << sqlstate;
    EXPECT_THAT(failure.text, HasSubstr("so nicht"));
  }
}

TEST(PostgresqlError, OfAServerThatGoesDownEndsTheConnection) {
  for (const auto* sqlstate : {"57P01", "57P02", "08006", "25P03"}) {
    const auto failure = query_failure(sqlstate, "terminating connection", "sidewatch", false);
    EXPECT_EQ(failure.kind, FailureKind::lost) << sqlstate;
    EXPECT_TRUE(failure.connection_lost) << sqlstate;
    EXPECT_EQ(failure.text, "PostgreSQL ended the connection: terminating connection");
  }
  EXPECT_TRUE(query_failure("42P01", "gone with it", "sidewatch", true).connection_lost);
}

TEST(PostgresqlError, OfAMissingPrivilegeSaysWhichGrant) {
  EXPECT_THAT(query_failure("42501", "permission denied for function pg_ls_waldir", "watcher", false).text,
              HasSubstr("GRANT pg_monitor TO watcher"));
}

TEST(PostgresqlError, OfALoginIsToldByItsCode) {
  const auto wrong = connect_failure(
      "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  28P01: password authentication failed for user "
      "\"sidewatch\"\nLOCATION:  auth_failed, auth.c:335\n",
      false);
  EXPECT_EQ(wrong.kind, FailureKind::login_refused);
  EXPECT_EQ(wrong.text, "PostgreSQL says: password authentication failed for user \"sidewatch\"");
  const auto full = connect_failure("failed: FATAL:  53300: sorry, too many clients already\nLOCATION:  x\n", false);
  EXPECT_EQ(full.kind, FailureKind::too_many_connections);
  EXPECT_THAT(full.text, HasSubstr("raise max_connections"));
  EXPECT_EQ(connect_failure("FATAL:  57P03: the database system is starting up\n", false).kind,
            FailureKind::unreachable);
  EXPECT_EQ(connect_failure("FATAL:  3D000: database \"shop\" does not exist\n", false).kind,
            FailureKind::login_refused);
}

TEST(PostgresqlError, OfAServerThatWantsEncryptionSaysHow) {
  const char* const text =
      "FATAL:  28000: no pg_hba.conf entry for host \"192.0.2.7\", user \"sidewatch\", database \"postgres\", no "
      "encryption\n";
  EXPECT_THAT(connect_failure(text, false).text, HasSubstr("tls: {mode: require}"));
  EXPECT_THAT(connect_failure(text, true).text, Not(HasSubstr("tls: {mode: require}")));
}

TEST(PostgresqlError, OfLibpqItselfIsToldByItsWords) {
  EXPECT_EQ(connect_failure("connection to server at \"127.0.0.1\", port 1 failed: Connection refused\n\tIs the server "
                            "running on that host and accepting TCP/IP connections?\n",
                            false).kind,
            FailureKind::unreachable);
  EXPECT_EQ(connect_failure("failed: server certificate for \"a\" does not match host name \"b\"", true).kind,
            FailureKind::login_refused);
  EXPECT_THAT(connect_failure("failed: server certificate for \"a\" does not match host name \"b\"", true).text,
              HasSubstr("tls: {server_name: ...}"));
  EXPECT_THAT(connect_failure("failed: SSL error: certificate verify failed\n", true).text, HasSubstr("tls.ca"));
  const auto garbage = connect_failure("failed: expected authentication request from server, but received H\n", false);
  EXPECT_EQ(garbage.kind, FailureKind::malformed);
  EXPECT_THAT(garbage.text, HasSubstr("is this the port of a PostgreSQL server?"));
}

}  // namespace
}  // namespace sidewatch::database::postgresql
