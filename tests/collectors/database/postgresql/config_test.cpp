#include "collectors/database/postgresql/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "config/document.h"
#include "tests/collectors/read_plans.h"

namespace sidewatch {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

ReadPlans read(const std::string& instances) { return read_plans(configure_postgresql, "postgresql:\n" + instances); }

TEST(PostgresqlConfig, PlansACollectorForEachInstance) {
  const auto [plans, problems] =
      read("  - {name: main, dsn: host=/run/postgresql dbname=shop user=sidewatch}\n"
           "  - {name: other, dsn: 'postgresql://sidewatch:hush@db.example:5433/stock', interval: 10s}\n");
  EXPECT_EQ(problems, "");
  ASSERT_EQ(plans.size(), 2u);
  EXPECT_EQ(plans[0].name, "postgresql:main");
  EXPECT_EQ(plans[0].watches, "PostgreSQL main (shop at /run/postgresql)");
  EXPECT_EQ(plans[1].watches, "PostgreSQL other (stock at db.example:5433)");
  EXPECT_EQ(plans[1].interval, std::chrono::seconds(10));
}

TEST(PostgresqlConfig, ShowsNoPartOfADsnThatMayBeAPassword) {
  const auto problems = read("  - {name: main, dsn: host=/run/postgresql password=hu sh}\n").problems;
  EXPECT_THAT(problems, HasSubstr("this is no connection string"));
  EXPECT_THAT(problems, Not(HasSubstr("sh\"")));
}

TEST(PostgresqlConfig, IsShownWithoutTheDsnAndThePassword) {
  config::Problems problems;
  const std::string yaml =
      "postgresql:\n  - {name: a, dsn: 'postgresql://u:hush@h/d'}\n  - {name: b, dsn: host=h, password: quiet}\n";
  auto document = config::Document::parse("f", yaml, {}, problems);
  std::vector<CollectorPlan> plans;
  document.visit([&](config::Section& collectors) { configure_postgresql(collectors, plans); });
  EXPECT_EQ(problems.text(), "");
  const std::string shown = document.masked_yaml();
  EXPECT_THAT(shown, HasSubstr("name: a"));
  EXPECT_THAT(shown, Not(HasSubstr("hush")));
  EXPECT_THAT(shown, Not(HasSubstr("quiet")));
  for (const auto& plan : plans) EXPECT_THAT(plan.watches, Not(HasSubstr("hush")));
}

TEST(PostgresqlConfig, NamesAKeywordThatLibpqDoesNotKnow) {
  EXPECT_THAT(read("  - {name: main, dsn: hots=/run/postgresql}\n").problems, HasSubstr("\"hots\""));
}

TEST(PostgresqlConfig, WantsOneWordAboutEachThing) {
  EXPECT_THAT(read("  - {name: a, dsn: host=x password=b, password: c}\n").problems,
              HasSubstr("the dsn has a password too"));
  EXPECT_THAT(read("  - {name: a, dsn: host=x sslmode=require, tls: {}}\n").problems,
              HasSubstr("the dsn has an sslmode too"));
  EXPECT_THAT(read("  - {name: a, dsn: host=x}\n  - {name: a, dsn: host=y}\n").problems,
              HasSubstr("there is already a PostgreSQL named 'a'"));
  EXPECT_THAT(read("  - {name: a, dsn: ''}\n").problems, HasSubstr("is empty; write for example host="));
  EXPECT_THAT(read("  - {name: a}\n").problems, HasSubstr("dsn"));
}

TEST(PostgresqlConfig, HasAnotherFingerprintForWhateverChanges) {
  const std::string variants[] = {
      "{name: a, dsn: host=x}",
      "{name: a, dsn: host=y}",
      "{name: a, dsn: host=x, password: one}",
      "{name: a, dsn: host=x, password: two}",
      "{name: a, dsn: host=x, timeout: 3s}",
      "{name: a, dsn: host=x, labels: {cluster: c}}",
      "{name: a, dsn: host=x, tls: {mode: require}}",
      "{name: a, dsn: host=x, tables: {max: 5}}",
      "{name: a, dsn: host=x, tables: {every: 30s}}",
      "{name: a, dsn: host=x, tables: {bloat: true}}",
      "{name: a, dsn: host=x, statements: {}}",
      "{name: a, dsn: host=x, statements: {top: 5}}",
      "{name: a, dsn: host=x, statements: {text: true}}",
      "{name: a, dsn: host=x, buffercache: true}",
      "{name: a, dsn: host=x, queries: [{name: q, sql: SELECT 1 AS n, metrics: [{column: n, name: m}]}]}",
  };
  std::vector<std::string> prints;
  for (const auto& variant : variants) {
    const auto [plans, problems] = read("  - " + variant + "\n");
    ASSERT_EQ(problems, "") << variant;
    ASSERT_EQ(plans.size(), 1u);
    prints.push_back(plans[0].fingerprint);
  }
  std::sort(prints.begin(), prints.end());
  EXPECT_EQ(std::unique(prints.begin(), prints.end()), prints.end());
}

}  // namespace
}  // namespace sidewatch
