// What Prometheus 2.42 does not have, or leaves open, and so cannot be asked (see cases/promql/corpus for the rest).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "metrics/promql/expression.h"
#include "metrics/promql/functions.h"
#include "metrics/promql/literals.h"
#include "tests/metrics/promql/fill.h"

namespace sidewatch::promql {
namespace {

class PromqlFunctionAnswers : public testing::Test {
 protected:
  // The samples in the order of the answer: `{i="a"} 1, {i="b"} 2`.
  std::string ask(std::string_view text, std::int64_t at_seconds = 0) const {
    const auto expression = Expression::parse(text);
    if (!expression) return expression.error().text();
    const auto value = evaluate(*expression, fixture.store(), time_at_ms(at_seconds * 1000));
    if (!value) return value.error().text();
    std::string out;
    for (const VectorSample& sample : std::get<Vector>(*value)) {
      out += out.empty() ? "" : ", ";
      out += sample.labels.to_string() + " " + number_to_string(sample.value);
    }
    return out;
  }

  std::set<std::string> instances(std::string_view text) const {
    const auto value = evaluate(*Expression::parse(text), fixture.store(), time_at_ms(0));
    std::set<std::string> found;
    for (const VectorSample& sample : std::get<Vector>(*value)) found.emplace(sample.labels.get("i"));
    return found;
  }

  Fixture fixture;
};

TEST_F(PromqlFunctionAnswers, KeepTheNameOfTheFirstSampleAsOfTheLast) {
  fixture.add("m", {}, 0, 10, "7 8 9");
  EXPECT_EQ(ask("first_over_time(m[15s])", 20), "{__name__=\"m\"} 8");
  EXPECT_EQ(ask("first_over_time(m[1m])", 20), "{__name__=\"m\"} 7");
}

TEST_F(PromqlFunctionAnswers, TellWhenTheExtremesWereTakenTheLastTime) {
  fixture.add("m", {}, 0, 10, "NaN 3 1 3 1 2");
  EXPECT_EQ(ask("ts_of_first_over_time(m[1m])", 50), "{} 0");
  EXPECT_EQ(ask("ts_of_last_over_time(m[1m])", 55), "{} 50");
  EXPECT_EQ(ask("ts_of_max_over_time(m[1m])", 50), "{} 30");
  EXPECT_EQ(ask("ts_of_min_over_time(m[1m])", 50), "{} 40");
  EXPECT_EQ(ask("ts_of_max_over_time(m[1m] offset 25s)", 50), "{} 10");
}

TEST_F(PromqlFunctionAnswers, MeasureTheMedianDistanceFromTheMedian) {
  fixture.add("odd", {}, 0, 10, "1 9 4 2 100");  // median 4, distances 3 5 0 2 96
  fixture.add("even", {}, 0, 10, "1 2 4 9");     // median 3, distances 2 1 1 6
  EXPECT_EQ(ask("mad_over_time(odd[1m])", 40), "{} 3");
  EXPECT_EQ(ask("mad_over_time(even[1m])", 40), "{} 1.5");
  EXPECT_EQ(ask("mad_over_time(even[1s])", 30), "{} 0");
}

TEST_F(PromqlFunctionAnswers, SmoothUnderBothNames) {
  fixture.add("m", {}, 0, 10, "1 2 4 8");
  EXPECT_EQ(ask("double_exponential_smoothing(m[1m], 0.5, 0.5)", 30), "{} 6.375");
  EXPECT_EQ(ask("holt_winters(m[1m], 0.5, 0.5)", 30), "{} 6.375");
  EXPECT_EQ(ask("1 + double_exponential_smoothing(m[1m], 2, 0.5)", 30),
            "1:5: invalid smoothing factor. Expected: 0 < sf < 1, got: 2.000000");
}

TEST_F(PromqlFunctionAnswers, SortByLabelsWithDigitsAsNumbers) {
  for (const std::string_view disk : {"sda10", "sda9", "sdb", "sda1", "nvme0n1", "sda09", "sda"}) {
    fixture.add("m", {{"disk", disk}, {"i", disk.size() > 3 ? "long" : "short"}}, 0, 10, "1");
  }
  const auto order = [this](std::string_view text) {
    const auto value = evaluate(*Expression::parse(text), fixture.store(), time_at_ms(0));
    std::string disks;
    for (const VectorSample& sample : std::get<Vector>(*value)) disks += std::string(sample.labels.get("disk")) + " ";
    return disks;
  };
  EXPECT_EQ(order("sort_by_label(m, 'disk')"), "nvme0n1 sda sda1 sda09 sda9 sda10 sdb ");
  EXPECT_EQ(order("sort_by_label_desc(m, 'disk')"), "sdb sda10 sda9 sda09 sda1 sda nvme0n1 ");
  EXPECT_EQ(order("sort_by_label(m, 'i', 'disk')"), "nvme0n1 sda1 sda09 sda9 sda10 sda sdb ");
  EXPECT_EQ(order("sort_by_label(m)"), "nvme0n1 sda sda09 sda1 sda10 sda9 sdb ");  // by all labels, as they are
}

TEST_F(PromqlFunctionAnswers, FindTheShareOfAHistogramBetweenTwoValues) {
  for (const auto& [bound, count] : {std::pair("0.1", "10"), {"0.3", "30"}, {"1", "38"}, {"+Inf", "40"}}) {
    fixture.add("h_bucket", {{"job", "a"}, {"le", bound}}, 0, 10, count);
  }
  EXPECT_EQ(ask("histogram_fraction(0, 0.3, h_bucket)"), "{job=\"a\"} 0.75");
  EXPECT_EQ(ask("histogram_fraction(0, 0.2, h_bucket)"), "{job=\"a\"} 0.5");
  EXPECT_EQ(ask("histogram_fraction(0.05, 0.1, h_bucket)"), "{job=\"a\"} 0.125");
  EXPECT_EQ(ask("histogram_fraction(-Inf, Inf, h_bucket)"), "{job=\"a\"} 1");
  EXPECT_EQ(ask("histogram_fraction(1, 50, h_bucket)"), "{job=\"a\"} 0");  // nobody knows where above 1 they are
  EXPECT_EQ(ask("histogram_fraction(1, Inf, h_bucket)"), "{job=\"a\"} 0.05");
  EXPECT_EQ(ask("histogram_fraction(0.2, 0.1, h_bucket)"), "{job=\"a\"} 0");
  EXPECT_EQ(ask("histogram_fraction(NaN, 0.1, h_bucket)"), "{job=\"a\"} NaN");
  EXPECT_EQ(ask("histogram_fraction(0, 1, h_bucket{le!='+Inf'})"), "{job=\"a\"} NaN");
  EXPECT_EQ(ask("histogram_fraction(0, 1, h_bucket * 0)"), "{job=\"a\"} NaN");
}

TEST_F(PromqlFunctionAnswers, FindSeveralQuantilesOfAHistogram) {
  for (const auto& [bound, count] : {std::pair("1", "10"), {"2", "20"}, {"+Inf", "20"}}) {
    fixture.add("h_bucket", {{"job", "a"}, {"le", bound}}, 0, 10, count);
  }
  EXPECT_EQ(ask("histogram_quantiles(h_bucket, 'q', 0.5, 0.75, 1, 2)"),
            R"({job="a", q="0.5"} 1, {job="a", q="0.75"} 1.5, {job="a", q="1.0"} 2, {job="a", q="2.0"} +Inf)");
  EXPECT_EQ(ask("histogram_quantiles(h_bucket, 'job', NaN)"), R"({job="NaN"} NaN)");
  EXPECT_EQ(ask("histogram_quantiles(h_bucket, 'q', 0, 0)"),
            "1:1: vector cannot contain metrics with the same labelset");
  EXPECT_EQ(ask("histogram_quantiles(h_bucket, 'a-b', 0)"), "1:1: invalid label name in histogram_quantiles(): a-b");
  EXPECT_EQ(ask("histogram_quantiles(h_bucket, 'q')"),
            "1:1: expected at least 3 argument(s) in call to \"histogram_quantiles\", got 2");
}

TEST_F(PromqlFunctionAnswers, ChooseBetweenTwoNumbers) {
  EXPECT_EQ(ask("vector(max_of(1, 2))"), "{} 2");
  EXPECT_EQ(ask("vector(min_of(1, 2))"), "{} 1");
  EXPECT_EQ(ask("vector(max_of(NaN, 2))"), "{} NaN");
  EXPECT_EQ(ask("vector(min_of(-Inf, NaN))"), "{} -Inf");
}

TEST_F(PromqlFunctionAnswers, TakeNegativeBucketsAsEndless) {
  for (const auto& [bound, count] : {std::pair("-1", "10"), {"1", "30"}, {"+Inf", "40"}}) {
    fixture.add("h_bucket", {{"le", bound}}, 0, 10, count);
  }
  EXPECT_EQ(ask("histogram_fraction(-Inf, -1, h_bucket)"), "{} 0.25");
  EXPECT_EQ(ask("histogram_fraction(-Inf, 0, h_bucket)"), "{} 0.5");
  EXPECT_EQ(ask("histogram_fraction(-5, 0, h_bucket)"), "{} 0.25");
}

TEST_F(PromqlFunctionAnswers, TakeBucketsThatDifferByRoundingForEqual) {
  for (const auto& [bound, count] : {std::pair("1", "0.1"), {"2", "1000000"}, {"3", "1000000.0000001"},
                                     {"4", "999999.9999999"}, {"+Inf", "1000000.0000002"}}) {
    fixture.add("h_bucket", {{"le", bound}}, 0, 10, count);
  }
  EXPECT_EQ(ask("histogram_quantile(1, h_bucket)"), "{} 2");
}

TEST_F(PromqlFunctionAnswers, FindNoNativeHistograms) {
  fixture.add("h_bucket", {{"le", "+Inf"}}, 0, 10, "1");
  for (const std::string_view name : {"avg", "count", "stddev", "stdvar", "sum"}) {
    EXPECT_EQ(ask("histogram_" + std::string(name) + "(h_bucket)"), "") << name;
  }
}

TEST_F(PromqlFunctionAnswers, RelabelAlsoSeriesThatComeLater) {
  fixture.add("m", {{"i", "a1"}}, 0, 10, "1");
  PreparedQuery query(*Expression::parse("label_replace(m, 'host', '$1', 'i', '(.).*')"));
  const auto hosts = [&] {
    std::string found;
    const auto value = query.evaluate(fixture.store(), time_at_ms(0));
    for (const VectorSample& sample : std::get<Vector>(*value)) found += sample.labels.get("host");
    return found;
  };
  EXPECT_EQ(hosts(), "a");
  EXPECT_EQ(hosts(), "a");
  fixture.add("m", {{"i", "b2"}}, 0, 10, "1");
  EXPECT_EQ(hosts(), "ab");
}

TEST_F(PromqlFunctionAnswers, MakeNoLabelWithoutEnd) {
  fixture.add("m", {{"i", std::string(1000, 'x')}}, 0, 10, "1");
  std::string text = "m";
  for (int i = 0; i < 40; ++i) text = "label_replace(" + text + ", 'i', '$1$1', 'i', '(.*)')";
  EXPECT_THAT(ask(text), testing::HasSubstr("label_replace() makes a label longer than 65536 bytes (max_label_bytes)"));
  text = "m";
  for (int i = 0; i < 40; ++i) text = "label_join(" + text + ", 'i', '', 'i', 'i')";
  EXPECT_THAT(ask(text), testing::HasSubstr("label_join() makes a label longer than 65536 bytes (max_label_bytes)"));
}

TEST_F(PromqlFunctionAnswers, KeepAFewSeriesOfEachGroup) {
  for (const std::string_view i : {"a", "b", "c"}) {
    fixture.add("m", {{"i", i}, {"job", "x"}}, 0, 10, "1");
    fixture.add("m", {{"i", i}, {"job", "y"}}, 0, 10, "2");
  }
  EXPECT_EQ(ask("count(limitk(2, m))"), "{} 2");
  EXPECT_EQ(ask("sort_by_label(count by (job) (limitk by (job) (2, m)), 'job')"), R"({job="x"} 2, {job="y"} 2)");
  EXPECT_EQ(ask("count(limitk(100, m))"), "{} 6");
  EXPECT_EQ(ask("limitk(0.9, m)"), "");
  EXPECT_EQ(ask("limitk(-Inf, m)"), "1:1: Scalar value -Inf overflows int64");
  EXPECT_EQ(ask("limitk(1, m) == limitk(1, m)"), ask("limitk(1, m)"));
}

TEST_F(PromqlFunctionAnswers, KeepAShareOfAllSeriesThatIsTheSameEveryTime) {
  for (int i = 0; i < 1000; ++i) fixture.add("m", {{"i", std::to_string(i)}}, 0, 10, "1");
  const auto third = instances("limit_ratio(0.3, m)");
  EXPECT_NEAR(static_cast<double>(third.size()), 300, 60);
  EXPECT_EQ(third, instances("limit_ratio(0.3, m)"));
  EXPECT_TRUE(std::ranges::includes(instances("limit_ratio(0.4, m)"), third));
  const auto others = instances("limit_ratio(-0.7, m)");
  EXPECT_EQ(third.size() + others.size(), 1000);
  EXPECT_EQ(ask("limit_ratio(0.3, m) and limit_ratio(-0.7, m)"), "");
  EXPECT_EQ(instances("limit_ratio(2, m)").size(), 1000);
  EXPECT_EQ(instances("limit_ratio(-2, m)").size(), 1000);
  EXPECT_EQ(ask("limit_ratio(0, m)"), "");
  EXPECT_EQ(ask("limit_ratio(NaN, m)"), "1:1: Ratio value is NaN");
}

TEST_F(PromqlFunctionAnswers, ChooseTheSameSeriesInEveryProcess) {
  for (const std::string_view i : {"a", "b", "c", "d", "e", "f", "g", "h"}) fixture.add("m", {{"i", i}}, 0, 10, "1");
  EXPECT_EQ(instances("limit_ratio(0.25, m)"), (std::set<std::string>{"a", "b", "d", "e"}));
}

}  // namespace
}  // namespace sidewatch::promql
