// What texts and error numbers of a server mean.
#include <gtest/gtest.h>

#include <string>

#include "collectors/database/mysql/server_error.h"
#include "collectors/database/mysql/value.h"

namespace sidewatch::database::mysql {
namespace {

TEST(MysqlValue, WordsAreNumbersAsTheExporterReadsThem) {
  for (const auto* one : {"ON", "on", "Yes", "YES", "Primary"}) EXPECT_EQ(number_in(one), 1) << one;
  for (const auto* none : {"OFF", "No", "Disabled", "Connecting", "Preparing", "non-Primary", "Disconnected"}) {
    EXPECT_EQ(number_in(none), 0) << none;
  }
}

TEST(MysqlValue, NumbersAreReadWholeOrNotAtAll) {
  EXPECT_EQ(number_in("18446744073709551615"), 18446744073709551615.0);
  EXPECT_EQ(number_in("-1"), -1);
  EXPECT_EQ(number_in("0.000125"), 0.000125);
  for (const auto* text : {"", "10.11.6", "mysql-bin.000003", "127.0.0.1", "utf8mb4", "nan", "inf", "1 ", "0x10"}) {
    EXPECT_EQ(number_in(text), std::nullopt) << text;
  }
}

TEST(MysqlValue, DatesAreSecondsSince1970) {
  EXPECT_EQ(number_in("1970-01-02 00:00:01"), 86401);
  EXPECT_EQ(number_in("2026-11-21 12:00:00"), 1795262400);
  EXPECT_EQ(number_in("Nov 21 12:00:00 2026 GMT"), 1795262400);
  EXPECT_EQ(number_in("Jan  2 00:00:00 1970 GMT"), 86400);
  EXPECT_EQ(number_in("2026-13-21 12:00:00"), std::nullopt);
  EXPECT_EQ(number_in("0000-00-00 00:00:00"), std::nullopt);
  EXPECT_EQ(number_in("Foo 21 12:00:00 2026 GMT"), std::nullopt);
}

TEST(MysqlValue, NamesAreInLowerCaseWithoutWhatMayNotStandThere) {
  EXPECT_EQ(name_of("Innodb_Rows.read-x"), "innodb_rows_read_x");
}

TEST(MysqlVersion, FlavourAndNumberAreReadFromWhatTheServerCallsItself) {
  const auto is = [](const char* text, std::uint32_t number, const char* flavour) {
    const auto version = version_in(text);
    EXPECT_EQ(version.number, number) << text;
    EXPECT_EQ(version.flavour, flavour) << text;
  };
  is("10.11.6-MariaDB-1:10.11.6+maria~ubu2204", 101106, "mariadb");
  is("11.4.2-mariadb-log", 110402, "mariadb");
  is("8.0.36-0ubuntu0.22.04.1", 80036, "mysql");
  is("5.7.44-log", 50744, "mysql");
  is("8.0.36-28.1", 80036, "mysql");
  is("9.1.0", 90100, "mysql");
}

TEST(MysqlError, AMissingPrivilegeSaysWhatToGrant) {
  const auto text = [](unsigned number, const char* message) { return query_failure(number, message, "eye").text; };
  EXPECT_NE(text(1227, "Access denied; you need (at least one of) the PROCESS privilege(s) for this operation")
                .find("GRANT PROCESS ON *.* TO the user 'eye'"),
            std::string::npos);
  EXPECT_NE(text(1227, "Access denied; you need (at least one of) the SUPER, SLAVE MONITOR privilege(s)")
                .find("GRANT SLAVE MONITOR ON *.*"),
            std::string::npos);
  EXPECT_NE(text(1227, "Access denied; you need (at least one of) the SUPER, REPLICATION CLIENT privilege(s)")
                .find("GRANT REPLICATION CLIENT ON *.*"),
            std::string::npos);
  EXPECT_EQ(query_failure(1227, "Access denied", "eye").kind, FailureKind::denied);
}

TEST(MysqlError, OnlyWhatEndsTheConnectionIsLost) {
  EXPECT_FALSE(query_failure(1146, "Table 'x' doesn't exist", "eye").connection_lost);
  EXPECT_FALSE(query_failure(1969, "max_statement_time exceeded", "eye").connection_lost);
  EXPECT_EQ(query_failure(1969, "max_statement_time exceeded", "eye").kind, FailureKind::timeout);
  EXPECT_EQ(query_failure(3024, "maximum statement execution time exceeded", "eye").kind, FailureKind::timeout);
  for (const unsigned number : {1053U, 1927U, 2006U, 2013U, 2027U, 2000U, 5014U}) {
    EXPECT_TRUE(query_failure(number, "gone", "eye").connection_lost) << number;
  }
}

TEST(MysqlError, ALostConnectionReadsTheSameWhateverEndedIt) {
  EXPECT_EQ(query_failure(2013, "Lost connection to server during query (104)", "eye").text,
            query_failure(2006, "Server has gone away", "eye").text);
}

TEST(MysqlError, ConnectingSaysWhereItFailedAndWhy) {
  EXPECT_EQ(connect_failure(2002, "Can't connect to server on '127.0.0.1' (111)", "db:3306", "eye").text,
            "db:3306: Connection refused");
  const auto refused = connect_failure(1045, "Access denied for user 'eye'@'db' (using password: YES)", "db:3306", "eye");
  EXPECT_EQ(refused.kind, FailureKind::login_refused);
  EXPECT_EQ(refused.text,
            "db:3306: the login as 'eye' failed: Access denied for user 'eye'@'db' (using password: YES)");
  EXPECT_EQ(connect_failure(1040, "Too many connections", "db:3306", "eye").kind, FailureKind::too_many_connections);
}

TEST(MysqlError, WhatTheServerSaidBeforeTlsBeganIsFoundInsideOfTheLibrarysWords) {
  const auto failure = connect_failure(
      2002,
      "Received error packet before completion of TLS handshake. The authenticity of the following error cannot be "
      "verified: 1040 - Too many connections",
      "db:3306", "eye");
  EXPECT_EQ(failure.kind, FailureKind::too_many_connections);
}

}  // namespace
}  // namespace sidewatch::database::mysql
