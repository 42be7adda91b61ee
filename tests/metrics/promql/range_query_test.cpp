#include <gtest/gtest.h>

#include <string>

#include "metrics/promql/expression.h"
#include "tests/metrics/promql/fill.h"

namespace sidewatch::promql {
namespace {

class RangeQuery : public testing::Test {
 protected:
  RangeQuery() {
    fixture.add("m", {{"i", "b"}}, 0, 10, "1 2 3 4 5 6 7");
    fixture.add("m", {{"i", "a"}}, 0, 10, "10 stale _ 40 50 _ _");
  }

  Answer<Matrix> ask(std::string_view text, int start, int end, int step, const Options& options = {}) const {
    const RangeSpec range{time_at_ms(start * 1000), time_at_ms(end * 1000), std::chrono::seconds(step)};
    return evaluate_range(*Expression::parse(text), fixture.store(), range, options);
  }

  // `{i="a"} 0:10 30:40 | {i="b"} 0:1`: label sets, and seconds with their values.
  static std::string spelled(const Answer<Matrix>& answer) {
    if (!answer) return answer.error().what;
    std::string out;
    for (const Series& series : *answer) {
      out += (out.empty() ? "" : " | ") + series.labels.without("__name__").to_string();
      for (const Point& point : series.points) {
        out += " " + std::to_string(to_ms(point.time) / 1000) + ":" + std::to_string(static_cast<int>(point.value));
      }
    }
    return out;
  }

  Fixture fixture;
};

TEST_F(RangeQuery, GivesEachSeriesItsPointsInOrderOfLabels) {
  EXPECT_EQ(spelled(ask("m", 0, 60, 20)), R"({i="a"} 0:10 40:50 60:50 | {i="b"} 0:1 20:3 40:5 60:7)");
  EXPECT_EQ(spelled(ask("sum(m)", 0, 60, 20)), "{} 0:11 20:3 40:55 60:57");
}

TEST_F(RangeQuery, TakesNoStepBeyondItsEnd) {
  EXPECT_EQ(spelled(ask("m{i=\"b\"}", 0, 59, 30)), R"({i="b"} 0:1 30:4)");
  EXPECT_EQ(spelled(ask("m{i=\"b\"}", 20, 20, 30)), R"({i="b"} 20:3)");
}

TEST_F(RangeQuery, OfAScalarIsOneSeriesWithoutLabels) {
  EXPECT_EQ(spelled(ask("time() * 2", 0, 2, 1)), "{} 0:0 1:2 2:4");
}

TEST_F(RangeQuery, LeavesOutSeriesWithoutPoints) { EXPECT_EQ(spelled(ask("m > 100", 0, 60, 20)), ""); }

TEST_F(RangeQuery, TakesStartAndEndForItsOwnEnds) {
  EXPECT_EQ(spelled(ask("m{i=\"b\"} @ start()", 10, 30, 10)), R"({i="b"} 10:2 20:2 30:2)");
  EXPECT_EQ(spelled(ask("m{i=\"b\"} @ end() offset 10s", 10, 30, 10)), R"({i="b"} 10:3 20:3 30:3)");
  EXPECT_EQ(spelled(ask("m{i=\"b\"} @ end()", 10, 50, 30)), R"({i="b"} 10:6 40:6)");
}

TEST_F(RangeQuery, RefusesQuestionsThatMakeNoSense) {
  const auto matrix = ask("m[1m]", 0, 60, 20);
  EXPECT_EQ(spelled(matrix), "invalid expression type \"range vector\" for range query, must be Scalar or instant Vector");
  EXPECT_EQ(matrix.kind(), QueryErrorKind::bad_data);
  EXPECT_EQ(spelled(ask("m", 60, 0, 20)), "end timestamp must not be before start time");
  EXPECT_EQ(spelled(ask("m", 0, 60, 0)),
            "zero or negative query resolution step widths are not accepted. Try a positive integer");
  EXPECT_EQ(spelled(ask("m", 0, 11'001, 1)), "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing "
                                             "the query resolution (?step=XX)");
  EXPECT_EQ(spelled(ask("m > 100", 0, 11'000, 1)), "");
}

TEST_F(RangeQuery, HoldsNoMoreSamplesThanItMay) {
  EXPECT_EQ(spelled(ask("m{i=\"b\"}", 0, 60, 10, {.limits = {.max_samples = 14}})),
            R"({i="b"} 0:1 10:2 20:3 30:4 40:5 50:6 60:7)");
  const auto refused = ask("m{i=\"b\"}", 0, 60, 10, {.limits = {.max_samples = 13}});
  EXPECT_EQ(spelled(refused), "query processing would load too many samples into memory in query execution");
  EXPECT_EQ(refused.kind(), QueryErrorKind::execution);
}

TEST_F(RangeQuery, MakesNoMoreLabelSetsThanItMay) {
  EXPECT_EQ(spelled(ask("sum(count_values(\"v\", time() + m{i=\"b\"}))", 0, 60, 10, {.limits = {.max_label_sets = 5}})),
            "query makes more label sets than the limit of 5 (max_label_sets)");
  EXPECT_EQ(spelled(ask("sum(m)", 0, 60, 30, {.limits = {.max_label_sets = 5}})), "{} 0:11 30:44 60:57");
}

TEST_F(RangeQuery, EndsWhenItsTimeIsUp) {
  int asked = 0;
  Options options;
  options.out_of_time = [&] { return ++asked == 3; };
  const auto answer = ask("1 + 1", 0, 10'000, 1, options);
  EXPECT_EQ(spelled(answer), "query timed out in expression evaluation");
  EXPECT_EQ(answer.kind(), QueryErrorKind::timeout);
  EXPECT_EQ(asked, 3);
}

}  // namespace
}  // namespace sidewatch::promql
