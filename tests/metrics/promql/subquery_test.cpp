#include <gtest/gtest.h>

#include <string>

#include "metrics/promql/expression.h"
#include "tests/metrics/promql/fill.h"

namespace sidewatch::promql {
namespace {

class Subquery : public testing::Test {
 protected:
  Subquery() { fixture.add("m", {}, 0, 10, "1 2 3 4 5 6 7"); }

  // `10:2 20:3`: the seconds and values of the only series.
  std::string ask(std::string_view text, int second, const Options& options = {}) const {
    const auto answer = evaluate(*Expression::parse(text), fixture.store(), time_at_ms(second * 1000), options);
    if (!answer) return answer.error().what;
    if (const auto* vector = std::get_if<Vector>(&*answer)) {
      return vector->empty() ? "" : std::to_string(static_cast<int>(vector->front().value));
    }
    std::string out;
    for (const Series& series : std::get<Matrix>(*answer)) {
      for (const Point& point : series.points) {
        out += (out.empty() ? "" : " ") + std::to_string(to_ms(point.time) / 1000) + ":" +
               std::to_string(static_cast<int>(point.value));
      }
    }
    return out;
  }

  Fixture fixture;
};

TEST_F(Subquery, IsEvaluatedAtMultiplesOfItsStep) {
  EXPECT_EQ(ask("m[30s:15s]", 50), "30:4 45:5");
  EXPECT_EQ(ask("m[30s:15s] offset 10s", 50), "15:2 30:4");
  EXPECT_EQ(ask("m[30s:15s] @ 30", 50), "0:1 15:2 30:4");
  EXPECT_EQ(ask("m[3s:7s]", 20), "");
}

TEST_F(Subquery, TakesTheDefaultStepWhereItNamesNone) {
  Options options;
  options.default_step = std::chrono::seconds(20);
  EXPECT_EQ(ask("m[1m:]", 60, options), "0:1 20:3 40:5 60:7");
  EXPECT_EQ(ask("m[1m:]", 60), "0:1 60:7");
}

TEST_F(Subquery, FeedsFunctionsOverRangesAndOtherSubqueries) {
  EXPECT_EQ(ask("sum_over_time(m[30s:10s])", 50), "18");
  EXPECT_EQ(ask("max_over_time(sum_over_time(m[20s:10s])[20s:10s])", 50), "15");
}

TEST_F(Subquery, BeforeTheBeginningOfTimeIsAlignedToo) { EXPECT_EQ(ask("vector(1)[10s:7s]", -5), "-14:1 -7:1"); }

TEST_F(Subquery, ReadsEachSampleFromTheStoreOnce) {
  EXPECT_EQ(ask("sum_over_time(m[1m:1s])", 60, {.limits = {.max_samples = 7 + 61}}), "217");
  EXPECT_EQ(ask("sum_over_time(m[1m:1s])", 60, {.limits = {.max_samples = 7 + 60}}),
            "query processing would load too many samples into memory in query execution");
}

TEST_F(Subquery, ThatFindsNothingEndsAllTheSame) {
  EXPECT_EQ(ask("count_over_time(absent(m @ 0)[290y:1ms])", 60),
            "query touches more samples than the limit of 10000000 (max_touched_samples)");
}

}  // namespace
}  // namespace sidewatch::promql
