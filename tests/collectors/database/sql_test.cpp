// Versions, rows and addresses.
#include "collectors/database/sql.h"

#include <gtest/gtest.h>

#include "collectors/database/config.h"
#include "tests/collectors/database/begin_rows.h"

namespace sidewatch::database {
namespace {

TEST(ServerVersion, ReadsOneTwoOrThreeParts) {
  EXPECT_EQ(parse_version("12"), 120000u);
  EXPECT_EQ(parse_version("15.4"), 150400u);
  EXPECT_EQ(parse_version("8.0.36"), 80036u);
  EXPECT_EQ(parse_version("10.11.6"), 101106u);
  for (const auto text : {"", ".", "8.", "a", "8.0.1.2", "8.100", "8.0.36-log", "-1", "99999"}) {
    EXPECT_FALSE(parse_version(text)) << text;
  }
}

TEST(Versions, AreARangeOfOneFlavourOrOfAny) {
  const Versions range{.min = 80000, .max = 80099, .flavour = "mysql"};
  EXPECT_TRUE(range.contain({80000, "mysql"}));
  EXPECT_TRUE(range.contain({80099, "mysql"}));
  EXPECT_FALSE(range.contain({80100, "mysql"}));
  EXPECT_FALSE(range.contain({70999, "mysql"}));
  EXPECT_FALSE(range.contain({80000, "mariadb"}));
  EXPECT_TRUE(Versions{}.contain({1, "anything"}));
}

TEST(Rows, KeepWholeRowsUpToTheirLimits) {
  Rows rows;
  begin_rows(rows, {"a", "b"}, {.max_rows = 2, .max_bytes = 6});
  EXPECT_TRUE(rows.add("12"));
  EXPECT_TRUE(rows.add(std::nullopt));
  EXPECT_TRUE(rows.add("34"));
  EXPECT_FALSE(rows.add("567"));  // would be the seventh byte
  EXPECT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows.cell(0, 0), "12");
  EXPECT_EQ(rows.cell(0, 1), std::nullopt);

  begin_rows(rows, {"a"}, {.max_rows = 2, .max_bytes = 100});
  EXPECT_TRUE(rows.add("1"));
  EXPECT_TRUE(rows.add("2"));
  EXPECT_FALSE(rows.add("3"));
  EXPECT_EQ(rows.size(), 2u);
}

TEST(Rows, WithoutColumnsAreEmpty) {
  Rows rows;
  EXPECT_EQ(rows.size(), 0u);
  begin_rows(rows, {}, {});
  EXPECT_FALSE(rows.add("1"));
  EXPECT_EQ(rows.size(), 0u);
}

TEST(DatabaseAddress, IsAHostWithAPortOrASocket) {
  const auto shown = [](std::string_view text) {
    const auto address = parse_address(text, 6379);
    return address ? address->text() : "refused";
  };
  EXPECT_EQ(shown("127.0.0.1:6380"), "127.0.0.1:6380");
  EXPECT_EQ(shown("db.example"), "db.example:6379");
  EXPECT_EQ(shown("[::1]:7000"), "[::1]:7000");
  EXPECT_EQ(shown("[::1]"), "[::1]:6379");
  EXPECT_EQ(shown("::1"), "[::1]:6379");
  EXPECT_EQ(shown("/run/redis.sock"), "/run/redis.sock");
  EXPECT_EQ(shown("unix:/run/redis.sock"), "/run/redis.sock");
  for (const auto text : {"", ":6379", "host:", "host:0", "host:65536", "host:x", "[::1", "[::1]x", "[::1]:", "unix:"}) {
    EXPECT_EQ(shown(text), "refused") << text;
  }
}

}  // namespace
}  // namespace sidewatch::database
