// When which query is asked, what stands in between, and that each fails alone.
#include "collectors/database/query_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/collectors/database/database_under_test.h"
#include "tests/collectors/database/fake_sql.h"

namespace sidewatch::database {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr Metric orders{"orders", MetricType::gauge, "", "Orders."};
constexpr Metric users{"users", MetricType::gauge, "", "Users."};

class QuerySetTest : public ::testing::Test {
 protected:
  QuerySetTest() {
    server.answers["SELECT orders"] = {{"n"}, {{"3"}}, {}};
    server.answers["SELECT users"] = {{"n"}, {{"7"}}, {}};
  }

  void add(Query query, const Metric& metric) { set.add(query, {value("n", metric)}); }

  std::optional<Failure> run() {
    auto pass = under.pass();
    return set.run(server, pass);
  }

  std::vector<std::string> asked() { return std::exchange(server.asked, {}); }
  void fail(std::string_view sql, Failure failure) { server.answers.find(sql)->second.failure = std::move(failure); }
  void mend(std::string_view sql) { server.answers.find(sql)->second.failure.reset(); }

  DatabaseUnderTest under;
  FakeSql server;
  QuerySet set{under.catalog, "test", under.labels, 2s, [this] { return server.seconds; }};
};

TEST_F(QuerySetTest, AsksInEachPassWhatHasNoIntervalOfItsOwn) {
  add({.name = "orders", .sql = "SELECT orders", .versions = {}}, orders);
  EXPECT_FALSE(run());
  EXPECT_FALSE(run());
  EXPECT_THAT(asked(), ElementsAre("SELECT orders", "SELECT orders"));
  EXPECT_THAT(under.samples(), ElementsAre(Pair("orders", 3)));
}

TEST_F(QuerySetTest, LetsAnAnswerStandUntilTheQueryIsDueAgain) {
  add({.name = "orders", .sql = "SELECT orders", .versions = {}, .every = 30s}, orders);
  run();
  asked();
  server.answers["SELECT orders"].rows = {{"4"}};
  under.now += 25s;
  run();
  EXPECT_THAT(asked(), IsEmpty());
  EXPECT_THAT(under.samples(), ElementsAre(Pair("orders", 3)));
  under.now += 4900ms;  // a pass that comes a little early does not put it off by a whole interval
  run();
  EXPECT_THAT(asked(), ElementsAre("SELECT orders"));
  EXPECT_THAT(under.samples(), ElementsAre(Pair("orders", 4)));
}

TEST_F(QuerySetTest, AsksOnlyWhatIsForThisServer) {
  add({.name = "new", .sql = "SELECT orders", .versions = {.min = 160000}}, orders);
  add({.name = "old", .sql = "SELECT users", .versions = {.max = 150000}}, users);
  add({.name = "other", .sql = "SELECT others", .versions = {.flavour = "mariadb"}}, users);
  run();
  EXPECT_THAT(asked(), ElementsAre("SELECT users"));
  EXPECT_EQ(under.outcome.partial_errors, 0u);
}

TEST_F(QuerySetTest, AQueryThatFailsCostsItsOwnSeriesOnly) {
  add({.name = "orders", .sql = "SELECT orders", .versions = {}}, orders);
  add({.name = "users", .sql = "SELECT users", .versions = {}}, users);
  fail("SELECT orders", {FailureKind::denied, "permission denied for table orders", false});
  EXPECT_FALSE(run());
  under.failures.write(under.batch);
  EXPECT_THAT(under.samples(),
              UnorderedElementsAre(
                  Pair("users", 7),
                  Pair(R"(sidewatch_database_errors_total{engine="test", query="orders", reason="denied"})", 1)));
  EXPECT_EQ(under.outcome.first_partial_error, "query 'orders': permission denied for table orders");
}

TEST_F(QuerySetTest, LeavesAFailedQueryAloneForAMinuteWhileItsTroubleStands) {
  add({.name = "orders", .sql = "SELECT orders", .versions = {}}, orders);
  fail("SELECT orders", {FailureKind::denied, "no", false});
  run();
  asked();
  under.now += 59s;
  run();
  EXPECT_THAT(asked(), IsEmpty());
  EXPECT_EQ(under.outcome.partial_errors, 1u);
  mend("SELECT orders");
  under.now += 1s;
  run();
  EXPECT_THAT(asked(), ElementsAre("SELECT orders"));
  EXPECT_EQ(under.outcome.partial_errors, 0u);
  EXPECT_THAT(under.samples(), ElementsAre(Pair("orders", 3)));
}

TEST_F(QuerySetTest, GivesAQueryThatTakesTooLongTwiceTheTimeEachTimeUpToTenMinutes) {
  add({.name = "orders", .sql = "SELECT orders", .versions = {}}, orders);
  fail("SELECT orders", {FailureKind::timeout, "took longer than 2s", false});
  std::vector<std::int64_t> minutes;
  Time last = under.now;
  for (int i = 0; i < 60; ++i, under.now += 1min) {
    run();
    if (asked().empty()) continue;
    minutes.push_back((under.now - last) / 1min);
    last = under.now;
  }
  EXPECT_THAT(minutes, ElementsAre(0, 1, 2, 4, 8, 10, 10, 10, 10));
}

TEST_F(QuerySetTest, StopsAtALostConnectionAndAsksEverythingOfTheNext) {
  add({.name = "orders", .sql = "SELECT orders", .versions = {}, .every = 1h}, orders);
  add({.name = "users", .sql = "SELECT users", .versions = {}}, users);
  run();
  asked();
  fail("SELECT users", {FailureKind::lost, "the server closed the connection", true});
  const auto lost = run();
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->kind, FailureKind::lost);
  EXPECT_EQ(lost->text, "query 'users': the server closed the connection");
  mend("SELECT users");
  asked();
  set.start_over();
  EXPECT_FALSE(run());
  EXPECT_THAT(asked(), ElementsAre("SELECT orders", "SELECT users"));
}

TEST_F(QuerySetTest, LeavesAloneWhatEndsOneConnectionAfterTheOther) {
  add({.name = "orders", .sql = "SELECT orders", .versions = {}}, orders);
  add({.name = "users", .sql = "SELECT users", .versions = {}}, users);
  fail("SELECT orders", {FailureKind::timeout, "no answer", true});
  EXPECT_TRUE(run());
  set.start_over();
  EXPECT_TRUE(run());
  set.start_over();
  asked();
  EXPECT_FALSE(run());  // the rest goes on
  EXPECT_THAT(asked(), ElementsAre("SELECT users"));
  EXPECT_EQ(under.outcome.first_partial_error, "query 'orders': no answer");
  mend("SELECT orders");
  under.now += 2min;
  EXPECT_FALSE(run());
  EXPECT_THAT(under.samples(), UnorderedElementsAre(Pair("orders", 3), Pair("users", 7)));
}

TEST_F(QuerySetTest, ServesTheFirstRowsOfAnAnswerThatIsTooLarge) {
  server.answers["SELECT orders"] = {{"shop", "n"}, {{"a", "1"}, {"b", "2"}, {"c", "3"}}, {}};
  set.add({.name = "orders", .sql = "SELECT orders", .versions = {}, .max_rows = 2}, {label("shop"), value("n", orders)});
  run();
  EXPECT_THAT(under.samples(),
              UnorderedElementsAre(Pair(R"(orders{shop="a"})", 1), Pair(R"(orders{shop="b"})", 2)));
  EXPECT_EQ(under.outcome.first_partial_error, "query 'orders': more rows than 2");
}

TEST_F(QuerySetTest, SaysNothingOfWhatNeedNotExist) {
  add({.name = "statements", .sql = "SELECT nothing", .versions = {}, .must_exist = false}, orders);
  EXPECT_FALSE(run());
  EXPECT_EQ(under.outcome.partial_errors, 0u);
  asked();
  under.now += 1min;
  run();
  EXPECT_THAT(asked(), IsEmpty());
}

TEST_F(QuerySetTest, GivesEachQueryItsTime) {
  add({.name = "orders", .sql = "SELECT orders", .versions = {}}, orders);
  run();
  EXPECT_EQ(server.last_limits.timeout, 2s);
  set.add({.name = "users", .sql = "SELECT users", .versions = {}, .timeout = 500ms}, {value("n", users)});
  run();
  EXPECT_EQ(server.last_limits.timeout, 500ms);
}

class SlowServerTest : public QuerySetTest {
 protected:
  SlowServerTest() {
    for (const auto* sql : {"a", "b", "c", "d", "e"}) {
      server.answers[sql] = {{"n"}, {{"1"}}, {}};
      set.add({.name = sql, .sql = sql, .versions = {}}, {value("n", Metric{sql, MetricType::gauge, "", "N."})});
    }
    server.seconds_each = 0.9;  // three of them are more than the two seconds
  }
};

TEST_F(SlowServerTest, IsAskedTheRestInTheNextPassesWhileItsLastAnswersStand) {
  run();
  EXPECT_THAT(asked(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(under.outcome.first_partial_error, ::testing::StartsWith("the server is so slow"));
  under.now += 5s;
  run();
  EXPECT_THAT(asked(), ElementsAre("d", "e", "a"));
  under.now += 5s;
  run();
  EXPECT_THAT(asked(), ElementsAre("b", "c", "d"));
  EXPECT_EQ(under.samples().size(), 5u) << "also what was put off";
}

TEST_F(SlowServerTest, IsAskedEverythingAgainOnceItIsFast) {
  run();
  server.seconds_each = 0;
  under.now += 5s;
  asked();
  run();
  EXPECT_EQ(asked().size(), 5u);
  EXPECT_EQ(under.outcome.partial_errors, 1u) << "that it was slow is told for a minute";
  under.now += 1min;
  run();
  EXPECT_EQ(under.outcome.partial_errors, 0u);
}

TEST_F(SlowServerTest, LetsNoAnswerStandLongerThanAMinuteBeyondItsTime) {
  run();
  asked();
  under.now += 61s;
  server.seconds_each = 2.1;  // one in each pass
  run();
  EXPECT_THAT(asked(), ElementsAre("d"));
  EXPECT_THAT(under.samples(), ElementsAre(Pair("d", 1)));
}

}  // namespace
}  // namespace sidewatch::database
