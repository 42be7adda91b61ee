#include "collectors/database/postgresql/settings.h"

#include <gtest/gtest.h>

namespace sidewatch::database::postgresql {
namespace {

struct Row {
  const char* setting;
  const char* unit;
  const char* type;
  double number;
  const char* in;
};

TEST(PostgresqlSettings, AreInBytesAndSeconds) {
  for (const auto& row : {Row{"16384", "8kB", "integer", 134217728, "bytes"}, Row{"64", "16MB", "integer", 1073741824, "bytes"},
                          Row{"1024", "MB", "integer", 1073741824, "bytes"}, Row{"2", "B", "integer", 2, "bytes"},
                          Row{"500", "ms", "integer", 0.5, "seconds"}, Row{"5", "min", "integer", 300, "seconds"},
                          Row{"1", "d", "integer", 86400, "seconds"}, Row{"0.9", "", "real", 0.9, ""},
                          Row{"100", "", "integer", 100, ""}, Row{"on", "", "bool", 1, ""}, Row{"off", "", "bool", 0, ""}}) {
    const auto value = setting_value(row.setting, row.unit, row.type);
    ASSERT_TRUE(value) << row.setting << row.unit;
    EXPECT_DOUBLE_EQ(value->number, row.number) << row.setting << row.unit;
    EXPECT_EQ(value->unit, row.in) << row.setting << row.unit;
  }
}

TEST(PostgresqlSettings, KeepMinusOneWhichIsNoAmount) {
  EXPECT_EQ(setting_value("-1", "ms", "integer")->number, -1);
  EXPECT_EQ(setting_value("-1", "ms", "integer")->unit, "seconds");
}

TEST(PostgresqlSettings, MayHaveTheirUnitTwiceOnHostedServers) {
  EXPECT_EQ(setting_value("16384kB", "kB", "integer")->number, 16777216);
}

TEST(PostgresqlSettings, AreLeftOutWhereTheyAreNoNumbers) {
  EXPECT_FALSE(setting_value("(disabled)", "", "integer"));
  EXPECT_FALSE(setting_value("5", "parsec", "integer"));
}

}  // namespace
}  // namespace sidewatch::database::postgresql
