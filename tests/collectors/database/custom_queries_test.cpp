// Queries of the user's own: which servers are asked, and what becomes of the answers.
#include "collectors/database/custom_queries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/collectors/database/database_under_test.h"
#include "tests/collectors/database/fake_sql.h"

namespace sidewatch::database {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

CustomQuery orders_query() {
  CustomQuery query;
  query.name.value = "orders";
  query.sql = "SELECT orders";
  query.labels.emplace_back().value = "status";
  query.metrics = {{"n", "shop_orders", MetricType::gauge, "Orders."},
                   {"sum", "shop_order_euros_total", MetricType::counter, "Money."}};
  return query;
}

class CustomQueriesTest : public ::testing::Test {
 protected:
  // What is reported after one pass over a server of this version.
  std::string ask(std::vector<CustomQuery> asked_for, std::uint32_t version = 150000) {
    queries = std::move(asked_for);
    set.emplace(under.catalog, "test", under.labels, 2s);
    add_queries(*set, queries);
    return ask_again(version);
  }
  std::string ask_again(std::uint32_t version = 150000) {
    FakeSql server({version, ""});
    server.answers["SELECT orders"] = answer;
    auto pass = under.pass();
    EXPECT_FALSE(set->run(server, pass));
    asked = server.asked;
    limits = server.last_limits;
    return under.outcome.first_partial_error;
  }

  DatabaseUnderTest under;
  std::vector<CustomQuery> queries;
  std::optional<QuerySet> set;
  FakeAnswer answer{{"status", "n", "sum"}, {{"open", "3", "12.5"}, {"paid", "4", "100"}}, {}};
  std::vector<std::string> asked;
  QueryLimits limits;
};

TEST_F(CustomQueriesTest, MakeSeriesOfTheirColumnsWithTheirTypesAndHelp) {
  EXPECT_EQ(ask({orders_query()}), "");
  EXPECT_THAT(under.samples(),
              UnorderedElementsAre(Pair(R"(shop_orders{status="open"})", 3), Pair(R"(shop_orders{status="paid"})", 4),
                                   Pair(R"(shop_order_euros_total{status="open"})", 12.5),
                                   Pair(R"(shop_order_euros_total{status="paid"})", 100)));
  for (const auto& sample : under.batch.samples()) {
    const auto info = under.catalog.info(sample.series);
    if (info->family->name == query_duration_metric.name) continue;
    const bool money = info->family->name == "shop_order_euros_total";
    EXPECT_EQ(info->labels.get("instance"), "main");
    EXPECT_EQ(info->family->type, money ? MetricType::counter : MetricType::gauge);
    EXPECT_EQ(info->family->help, money ? "Money." : "Orders.");
  }
}

TEST_F(CustomQueriesTest, AreAskedOfServersInTheirRangeOfVersionsOnly) {
  struct Case {
    const char* min;
    const char* max;
    std::uint32_t server;
    bool is_asked;
  };
  for (const auto& c : std::vector<Case>{{"", "", 1, true},
                                         {"15", "", 149999, false},
                                         {"15", "", 150000, true},
                                         {"15.4", "", 150399, false},
                                         {"", "15", 159999, true},
                                         {"", "15", 160000, false},
                                         {"", "15", 90600, true},
                                         {"10.6", "10.11", 101199, true},
                                         {"10.6", "10.11", 101200, false},
                                         {"10.6", "10.11", 100599, false},
                                         {"8.0.22", "8.0.22", 80022, true},
                                         {"8.0.22", "8.0.22", 80023, false}}) {
    auto query = orders_query();
    query.min_version = c.min;
    query.max_version = c.max;
    ask({query}, c.server);
    EXPECT_EQ(!asked.empty(), c.is_asked) << c.min << " to " << c.max << ", of " << c.server;
  }
}

TEST_F(CustomQueriesTest, FillOneMetricFromTheOneThatIsForTheServer) {
  auto old_one = orders_query();
  old_one.sql = "SELECT old";
  old_one.max_version = "14";
  auto new_one = orders_query();
  new_one.name.value = "orders_new";
  new_one.min_version = "15";
  EXPECT_EQ(ask({old_one, new_one}), "");
  EXPECT_THAT(asked, ElementsAre("SELECT orders"));
  EXPECT_EQ(under.samples().size(), 4u);
}

TEST_F(CustomQueriesTest, KeepTheirOwnLimitsAndOtherwiseTheDatabases) {
  ask({orders_query()});
  EXPECT_EQ(limits.timeout, 2s);
  EXPECT_EQ(limits.max_rows, 100u);
  auto query = orders_query();
  query.timeout = 300ms;
  query.max_rows = 1;
  EXPECT_EQ(ask({query}), "query 'orders': more rows than 1");
  EXPECT_EQ(limits.timeout, 300ms);
  EXPECT_THAT(under.samples(), ElementsAre(Pair(R"(shop_order_euros_total{status="open"})", 12.5),
                                           Pair(R"(shop_orders{status="open"})", 3)))
      << "what fits is taken";
}

TEST_F(CustomQueriesTest, StandUntilTheyAreAskedAgain) {
  auto query = orders_query();
  query.every = 1min;
  ask({query});
  answer.rows = {{"open", "9", "0"}};
  under.now += 30s;
  ask_again();
  EXPECT_THAT(asked, IsEmpty());
  EXPECT_EQ(under.samples().at(R"(shop_orders{status="open"})"), 3);
  under.now += 30s;
  ask_again();
  EXPECT_EQ(under.samples().at(R"(shop_orders{status="open"})"), 9);
  EXPECT_EQ(under.samples().size(), 2u);
}

TEST_F(CustomQueriesTest, TellOfCellsThatCannotBeUsedAndTakeTheOthers) {
  answer.rows = {{"open", "many", "1"}, {"paid", std::nullopt, "2"}, {"open", "5", "3"}};
  EXPECT_EQ(ask({orders_query()}), "query 'orders': the column 'n' is not a number");
  EXPECT_THAT(under.samples(), UnorderedElementsAre(Pair(R"(shop_order_euros_total{status="open"})", 1),
                                                    Pair(R"(shop_order_euros_total{status="paid"})", 2)));
}

TEST_F(CustomQueriesTest, CutALabelThatIsHugeAndRefuseANumberThatIs) {
  answer.rows = {{std::string(100'000, 'x'), std::string(100'000, '9'), "1"}};
  EXPECT_EQ(ask({orders_query()}), "query 'orders': the column 'n' is not a number");
  ASSERT_EQ(under.samples().size(), 1u);
  EXPECT_LT(under.samples().begin()->first.size(), 400u);
}

TEST_F(CustomQueriesTest, HaveAFingerprintThatChangesWithWhateverIsChanged) {
  std::set<std::string> prints{fingerprint_of(std::vector{orders_query()}), fingerprint_of(std::vector<CustomQuery>{})};
  const auto with = [&](auto change) {
    auto query = orders_query();
    change(query);
    EXPECT_TRUE(prints.insert(fingerprint_of(std::vector{query})).second);
  };
  with([](CustomQuery& q) { q.name.value = "x"; });
  with([](CustomQuery& q) { q.sql += " "; });
  with([](CustomQuery& q) { q.labels.clear(); });
  with([](CustomQuery& q) { q.every = 1s; });
  with([](CustomQuery& q) { q.timeout = 1s; });
  with([](CustomQuery& q) { q.max_rows = 5; });
  with([](CustomQuery& q) { q.min_version = "9"; });
  with([](CustomQuery& q) { q.max_version = "9"; });
  with([](CustomQuery& q) { q.metrics.pop_back(); });
  with([](CustomQuery& q) { q.metrics[0].name = "x"; });
  with([](CustomQuery& q) { q.metrics[0].column = "x"; });
  with([](CustomQuery& q) { q.metrics[0].help = "x"; });
  with([](CustomQuery& q) { q.metrics[0].type = MetricType::untyped; });
}

}  // namespace
}  // namespace sidewatch::database
