// What may be written below `mysql`, and what is said of mistakes.
#include "collectors/database/mysql/config.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/collectors/read_plans.h"

namespace sidewatch {
namespace {

ReadPlans read(const std::string& yaml) { return read_plans(configure_mysql, yaml); }

TEST(MysqlConfig, EveryServerIsACollectorOfItsOwn) {
  const auto found = read(
      "mysql:\n"
      "  - {name: main, address: \"db.example\", user: eye, password: x}\n"
      "  - {name: local, address: /run/mysqld/mysqld.sock, user: eye, interval: 2s}\n");
  EXPECT_EQ(found.problems, "");
  ASSERT_EQ(found.plans.size(), 2u);
  EXPECT_EQ(found.plans[0].name, "mysql:main");
  EXPECT_EQ(found.plans[0].watches, "MySQL or MariaDB main (db.example:3306)");
  EXPECT_EQ(found.plans[1].watches, "MySQL or MariaDB local (/run/mysqld/mysqld.sock)");
  EXPECT_EQ(found.plans[1].interval, Duration(2000));
}

TEST(MysqlConfig, AnAddressThatIsNoneIsToldWithHowOneLooks) {
  const auto found = read("mysql: [{name: main, address: \"db:port\", user: eye}]\n");
  EXPECT_NE(found.problems.find("'db:port' is not an address, write for example 127.0.0.1:3306"), std::string::npos);
}

TEST(MysqlConfig, AnEmptyUserIsRefusedAsTheLibraryWouldTakeThatOfTheSystem) {
  EXPECT_NE(read("mysql: [{name: main, address: a, user: \"\"}]\n").problems.find("is empty; name the user"),
            std::string::npos);
}

TEST(MysqlConfig, NamesAreGivenOnce) {
  const auto found = read(
      "mysql:\n"
      "  - {name: main, address: a, user: eye}\n"
      "  - {name: main, address: b, user: eye}\n");
  EXPECT_NE(found.problems.find("there is already a MySQL server named 'main'"), std::string::npos) << found.problems;
}

TEST(MysqlConfig, WhateverChangesMakesAnotherCollector) {
  const auto fingerprint = [](const std::string& more) {
    const auto found = read("mysql: [{name: main, address: a, user: eye" + more + "}]\n");
    EXPECT_EQ(found.problems, "") << more;
    return found.plans.empty() ? "" : found.plans[0].fingerprint;
  };
  const std::string plain = fingerprint("");
  for (const auto* more :
       {", timeout: 3s", ", database: shop", ", tls: {}", ", tables: {max: 7}", ", tables: {every: 1h}",
        ", statements: {}", ", innodb_metrics: true", ", auto_increment: true", ", binary_logs: true",
        ", labels: {a: b}", ", queries: [{name: q, sql: SELECT 1 AS n, metrics: [{column: n, name: x}]}]"}) {
    EXPECT_NE(fingerprint(more), plain) << more;
  }
  EXPECT_EQ(fingerprint(""), plain);
  EXPECT_NE(fingerprint(", password: old"), fingerprint(", password: new"));
}

}  // namespace
}  // namespace sidewatch
