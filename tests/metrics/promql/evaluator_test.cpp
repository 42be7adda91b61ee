#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "metrics/promql/expression.h"
#include "metrics/promql/literals.h"
#include "tests/metrics/promql/fill.h"

namespace sidewatch::promql {
namespace {

// A value for people: `7`, or samples in order of their labels: `up{job="a"} 1, up{job="b"} 0`.
std::string shown(const Labels& labels) {
  const std::string name(labels.get("__name__"));
  const Labels rest = labels.without("__name__");
  return rest.empty() && !name.empty() ? name : name + rest.to_string();
}

std::string shown(const Value& value) {
  if (const auto* number = std::get_if<double>(&value)) return number_to_string(*number);
  if (const auto* text = std::get_if<std::string>(&value)) return "\"" + *text + "\"";
  std::vector<std::string> parts;
  if (const auto* vector = std::get_if<Vector>(&value)) {
    for (const VectorSample& sample : *vector) {
      parts.push_back(shown(sample.labels) + " " + number_to_string(sample.value));
    }
  } else {
    for (const Series& series : std::get<Matrix>(value)) {
      std::string part = shown(series.labels);
      for (const Point& point : series.points) {
        part += " " + number_to_string(point.value) + "@" + std::to_string(to_ms(point.time) / 1000);
      }
      parts.push_back(part);
    }
  }
  std::ranges::sort(parts);
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

class PromqlEvaluator : public testing::Test {
 protected:
  std::string ask(std::string_view text, std::int64_t at_seconds) const {
    const auto expression = Expression::parse(text);
    if (!expression) return "refused: " + expression.error().text();
    const auto value = evaluate(*expression, fixture.store(), time_at_ms(at_seconds * 1000));
    return value ? shown(*value) : "error: " + value.error().text();
  }

  Fixture fixture;
};

TEST_F(PromqlEvaluator, LooksBackFiveMinutesIncludingBothEnds) {
  fixture.add("m", {}, 0, 60, "1 2");
  EXPECT_EQ(ask("m", -1), "");
  EXPECT_EQ(ask("m", 0), "m 1");
  EXPECT_EQ(ask("m", 59), "m 1");
  EXPECT_EQ(ask("m", 60), "m 2");
  EXPECT_EQ(ask("m", 360), "m 2");
  EXPECT_EQ(ask("m", 361), "");
}

TEST_F(PromqlEvaluator, SelectsNothingWhereASeriesIsStale) {
  fixture.add("m", {}, 0, 15, "1 2 stale _ 4");
  EXPECT_EQ(ask("m", 29), "m 2");
  EXPECT_EQ(ask("m", 30), "");
  EXPECT_EQ(ask("m", 59), "");
  EXPECT_EQ(ask("m", 60), "m 4");
  EXPECT_EQ(ask("m[1m]", 60), "m 1@0 2@15 4@60");
}

TEST_F(PromqlEvaluator, IncludesBothEndsOfARange) {
  fixture.add("m", {}, 0, 30, "1 2 3 4 5");
  EXPECT_EQ(ask("m[1m]", 90), "m 2@30 3@60 4@90");
  EXPECT_EQ(ask("count_over_time(m[1m])", 90), "{} 3");
  EXPECT_EQ(ask("m[1m] offset 30s", 90), "m 1@0 2@30 3@60");
  EXPECT_EQ(ask("m[1m] @ 60", 90), "m 1@0 2@30 3@60");
  EXPECT_EQ(ask("m offset -30s", 30), "m 3");
}

TEST_F(PromqlEvaluator, MatchesLabelsInFourWays) {
  fixture.add("up", {{"job", "api"}, {"zone", "eu"}}, 0, 15, "1");
  fixture.add("up", {{"job", "web"}}, 0, 15, "0");
  EXPECT_EQ(ask("up{job=\"api\"}", 0), R"(up{job="api", zone="eu"} 1)");
  EXPECT_EQ(ask("up{job!=\"api\"}", 0), R"(up{job="web"} 0)");
  EXPECT_EQ(ask("up{job=~\"a|w.*\",zone=\"\"}", 0), R"(up{job="web"} 0)");
  EXPECT_EQ(ask("{job!~\"w.+\",zone!=\"\"}", 0), R"(up{job="api", zone="eu"} 1)");
  EXPECT_EQ(ask("{__name__=~\"u.\",job=~\"ap\"}", 0), "");
}

TEST_F(PromqlEvaluator, ExtrapolatesARateToTheRangesEndsButNotPastZero) {
  fixture.add("steady", {}, 5, 10, "100 110 120 130 140 150");  // 5 s .. 55 s, one per second
  EXPECT_EQ(ask("increase(steady[1m])", 60), "{} 60");
  EXPECT_EQ(ask("rate(steady[1m])", 60), "{} 1");
  // The counter was zero 4 s before its first sample: not the 8 s to the range's start are extrapolated but 4.
  fixture.add("young", {}, 4, 8, "4 12 20 28 36 44 52 60 68");
  EXPECT_EQ(ask("increase(young[80s])", 76), "{} 76");
  // Both ends are more than 1.1 steps away: half a step is added at each.
  fixture.add("short", {}, 25, 10, "100 110 120");
  EXPECT_EQ(ask("increase(short[1m])", 60), "{} 30");
}

TEST_F(PromqlEvaluator, AddsWhatACounterHadBeforeAReset) {
  fixture.add("c", {}, 0, 15, "10 20 5 8 2");
  EXPECT_EQ(ask("increase(c[1m])", 60), "{} 20");  // 2 - 10 + 20 + 8, and nothing to extrapolate
  EXPECT_EQ(ask("delta(c[1m])", 60), "{} -8");
  EXPECT_EQ(ask("resets(c[1m])", 60), "{} 2");
  EXPECT_EQ(ask("irate(c[1m])", 60), "{} " + number_to_string(2.0 / 15));
}

TEST_F(PromqlEvaluator, GivesNoRateFromFewerThanTwoSamples) {
  fixture.add("c", {}, 0, 60, "1 2");
  EXPECT_EQ(ask("rate(c[30s])", 60), "");
  EXPECT_EQ(ask("irate(c[30s])", 60), "");
  EXPECT_EQ(ask("delta(c[30s])", 60), "");
}

TEST_F(PromqlEvaluator, SumsOverTimeWithoutLosingSmallTerms) {
  fixture.add("m", {}, 0, 10, "1 1e100 1 -1e100");
  EXPECT_EQ(ask("sum_over_time(m[1m])", 30), "{} 2");
  fixture.add("huge", {}, 0, 10, "1.7e308 1.7e308");
  EXPECT_EQ(ask("sum_over_time(huge[1m])", 30), "{} +Inf");
  EXPECT_EQ(ask("avg_over_time(huge[1m])", 30), "{} 1.7e+308");
}

TEST_F(PromqlEvaluator, PrefersNumbersToNanInMinimumAndMaximum) {
  fixture.add("m", {{"i", "a"}}, 0, 10, "NaN 2 1");
  fixture.add("m", {{"i", "b"}}, 0, 10, "1 5 NaN");
  EXPECT_EQ(ask("min_over_time(m{i=\"a\"}[1m])", 20), "{i=\"a\"} 1");
  EXPECT_EQ(ask("max_over_time(m{i=\"b\"}[1m])", 20), "{i=\"b\"} 5");
  EXPECT_EQ(ask("min(m)", 20), "{} 1");
  EXPECT_EQ(ask("max(m)", 0), "{} 1");
  EXPECT_EQ(ask("sum(m)", 20), "{} NaN");
  EXPECT_EQ(ask("m == m", 20), "m{i=\"a\"} 1");
}

TEST_F(PromqlEvaluator, DropsTheMetricsNameWhenTheValueIsNoLongerItsOwn) {
  fixture.add("m", {{"i", "a"}}, 0, 10, "4");
  for (const std::string_view text : {"m + 1", "1 + m", "-m * -1 + 1", "abs(m) + 1", "m > bool 3", "m + m - 3"}) {
    EXPECT_EQ(ask(text, 0).substr(0, 7), "{i=\"a\"}") << text;
  }
  for (const std::string_view text :
       {"m > 3", "3 < m", "+m", "m and m", "m or m", "last_over_time(m[1m])", "topk(1, m)"}) {
    EXPECT_EQ(ask(text, 0), "m{i=\"a\"} 4") << text;
  }
}

TEST_F(PromqlEvaluator, KeepsTheVectorsValueInAComparisonWithAScalar) {
  fixture.add("m", {}, 0, 10, "4");
  EXPECT_EQ(ask("m > 3", 0), "m 4");
  EXPECT_EQ(ask("3 < m", 0), "m 4");
  EXPECT_EQ(ask("m > 4", 0), "");
  EXPECT_EQ(ask("3 < bool m", 0), "{} 1");
  EXPECT_EQ(ask("m > bool 4", 0), "{} 0");
}

TEST_F(PromqlEvaluator, MatchesSamplesOneToOne) {
  fixture.add("used", {{"i", "a"}, {"job", "x"}}, 0, 10, "1");
  fixture.add("used", {{"i", "b"}, {"job", "x"}}, 0, 10, "2");
  fixture.add("size", {{"i", "a"}}, 0, 10, "10");
  fixture.add("size", {{"i", "c"}}, 0, 10, "10");
  EXPECT_EQ(ask("used / size", 0), "");
  EXPECT_EQ(ask("used / on (i) size", 0), "{i=\"a\"} 0.1");
  EXPECT_EQ(ask("used / ignoring (job) size", 0), "{i=\"a\"} 0.1");
  EXPECT_EQ(ask("used < on (i) size", 0), "{i=\"a\"} 1");
  EXPECT_EQ(ask("used < ignoring (job) size", 0), "used{i=\"a\"} 1");
  EXPECT_EQ(ask("used * on (i) group_left (nothing) size", 0), R"({i="a", job="x"} 10)");
}

TEST_F(PromqlEvaluator, RefusesAmbiguousMatches) {
  fixture.add("l", {{"x", "1"}, {"y", "1"}}, 0, 10, "1");
  fixture.add("l", {{"x", "1"}, {"y", "2"}}, 0, 10, "2");
  fixture.add("r", {{"x", "1"}}, 0, 10, "3");
  EXPECT_EQ(ask("5 + (l + on (x) r)", 0),
            "error: 1:6: multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)");
  EXPECT_EQ(ask("r + on (x) l", 0),
            R"(error: 1:1: found duplicate series for the match group {x="1"} on the right hand-side of the )"
            "operation: "
            R"([{__name__="l", x="1", y="2"}, {__name__="l", x="1", y="1"}];many-to-many matching not allowed: )"
            "matching labels must be unique on one side");
  EXPECT_EQ(ask("l + on (x) group_left r", 0), R"({x="1", y="1"} 4, {x="1", y="2"} 5)");
}

TEST_F(PromqlEvaluator, RefusesTwoResultsWithTheSameLabels) {
  fixture.add("a", {}, 0, 10, "1");
  fixture.add("b", {}, 0, 10, "2");
  const std::string message = "error: 1:1: vector cannot contain metrics with the same labelset";
  EXPECT_EQ(ask("-{__name__=~\"a|b\"}", 0), message);
  EXPECT_EQ(ask("abs({__name__=~\"a|b\"})", 0), message);
  EXPECT_EQ(ask("rate({__name__=~\"a|b\"}[1m])", 0), "");
  EXPECT_EQ(ask("sum_over_time({__name__=~\"a|b\"}[1m])", 0), message);
  EXPECT_EQ(ask("{__name__=~\"a|b\"} * 2", 0), message);
}

TEST_F(PromqlEvaluator, CombinesSets) {
  fixture.add("m", {{"i", "a"}}, 0, 10, "1");
  fixture.add("m", {{"i", "b"}}, 0, 10, "2");
  fixture.add("n", {{"i", "b"}}, 0, 10, "3");
  fixture.add("n", {{"i", "c"}}, 0, 10, "4");
  EXPECT_EQ(ask("m and n", 0), "m{i=\"b\"} 2");
  EXPECT_EQ(ask("m unless n", 0), "m{i=\"a\"} 1");
  EXPECT_EQ(ask("m or n", 0), "m{i=\"a\"} 1, m{i=\"b\"} 2, n{i=\"c\"} 4");
  EXPECT_EQ(ask("m and on () n > 3", 0), "m{i=\"a\"} 1, m{i=\"b\"} 2");
}

TEST_F(PromqlEvaluator, AggregatesByAndWithoutLabels) {
  fixture.add("m", {{"i", "a"}, {"job", "x"}}, 0, 10, "1");
  fixture.add("m", {{"i", "b"}, {"job", "x"}}, 0, 10, "2");
  fixture.add("m", {{"i", "a"}, {"job", "y"}}, 0, 10, "4");
  EXPECT_EQ(ask("sum(m)", 0), "{} 7");
  EXPECT_EQ(ask("sum by (job) (m)", 0), R"({job="x"} 3, {job="y"} 4)");
  EXPECT_EQ(ask("sum(m) by (job)", 0), R"({job="x"} 3, {job="y"} 4)");
  EXPECT_EQ(ask("max without (job) (m)", 0), R"({i="a"} 4, {i="b"} 2)");
  EXPECT_EQ(ask("avg by (job) (m)", 0), R"({job="x"} 1.5, {job="y"} 4)");
  EXPECT_EQ(ask("count by (none) (m)", 0), "{} 3");
  EXPECT_EQ(ask("quantile(0.5, m)", 0), "{} 2");
  EXPECT_EQ(ask("bottomk by (job) (1, m)", 0), R"(m{i="a", job="x"} 1, m{i="a", job="y"} 4)");
  EXPECT_EQ(ask("count_values by (job) (\"v\", m > 1)", 0), R"({job="x", v="2"} 1, {job="y", v="4"} 1)");
  EXPECT_EQ(ask("sum(nothing)", 0), "");
}

TEST_F(PromqlEvaluator, DescribesWhatIsAbsent) {
  fixture.add("m", {}, 0, 10, "1");
  EXPECT_EQ(ask("absent(m)", 0), "");
  EXPECT_EQ(ask("absent(m)", 301), "{} 1");
  EXPECT_EQ(ask("absent(n{job=\"a\",x=~\"b\",y=\"1\",y=\"2\"})", 0), "{job=\"a\"} 1");
  EXPECT_EQ(ask("absent(m > 5)", 0), "{} 1");
}

TEST_F(PromqlEvaluator, ConvertsBetweenScalarsAndVectors) {
  fixture.add("m", {{"i", "a"}}, 0, 10, "4");
  EXPECT_EQ(ask("scalar(m) + 1", 0), "5");
  EXPECT_EQ(ask("scalar(n)", 0), "NaN");
  EXPECT_EQ(ask("vector(2)", 0), "{} 2");
  EXPECT_EQ(ask("time()", 12), "12");
  EXPECT_EQ(ask("'text'", 0), "\"text\"");
}

TEST_F(PromqlEvaluator, TreatsUnicodeLabelsAsAnyOther) {
  fixture.add("t", {{"raum", "Küche"}}, 0, 10, "20");
  fixture.add("t", {{"raum", "部屋"}}, 0, 10, "18");
  EXPECT_EQ(ask("t{raum=\"K\\u00fcche\"}", 0), "t{raum=\"Küche\"} 20");
  EXPECT_EQ(ask("max by (raum) (t{raum=~\"K.che|..\"})", 0), "{raum=\"Küche\"} 20, {raum=\"部屋\"} 18");
}

}  // namespace
}  // namespace sidewatch::promql
