#include "metrics/exemplars.h"

#include <gtest/gtest.h>

#include "metrics/exposition_page.h"

namespace sidewatch {
namespace {

Exemplar at(std::int64_t ms, double value = 1, std::string_view trace = "t") {
  return {Labels{{"trace_id", trace}}, value, WallTime(Duration(ms)), true};
}

class ExemplarsTest : public testing::Test {
 protected:
  SeriesHandle series(std::string_view name, MetricType type, const Labels& labels = {}) {
    return catalog_.series({name, type, "", "Help."}, labels);
  }
  std::shared_ptr<const SeriesInfo> info(const SeriesHandle& handle) const { return catalog_.info(handle.id()); }

  Catalog catalog_{Catalog::Limits{}, Labels{}};
  Store store_{catalog_, {}};
};

TEST_F(ExemplarsTest, KeepsTheNewestOfASeries) {
  Exemplars exemplars({.per_series = 2, .in_all = 100});
  const auto a = series("a_total", MetricType::counter);
  EXPECT_FALSE(exemplars.newest(*info(a)));
  for (const int ms : {1, 2, 3}) EXPECT_TRUE(exemplars.add(info(a), at(ms, ms)));
  EXPECT_FALSE(exemplars.add(info(a), at(3, 4))) << "no newer than the last";
  EXPECT_EQ(exemplars.newest(*info(a))->value, 3);
  ASSERT_EQ(exemplars.all().size(), 1u);
  EXPECT_EQ(exemplars.all()[0].exemplars.size(), 2u);
  EXPECT_EQ(exemplars.all()[0].exemplars[0].value, 2);
  EXPECT_EQ(exemplars.size(), 2u);
}

TEST_F(ExemplarsTest, InAllTheOldestGiveWay) {
  Exemplars exemplars({.per_series = 10, .in_all = 3});
  const auto a = series("a_total", MetricType::counter);
  const auto b = series("b_total", MetricType::counter);
  EXPECT_TRUE(exemplars.add(info(a), at(1)));
  for (const int ms : {1, 2, 3}) EXPECT_TRUE(exemplars.add(info(b), at(ms)));
  EXPECT_FALSE(exemplars.newest(*info(a)));
  EXPECT_EQ(exemplars.size(), 3u);
}

TEST_F(ExemplarsTest, RefusesLabelsThatOpenMetricsDoesNotAllow) {
  Exemplars exemplars;
  const auto a = series("a_total", MetricType::counter);
  EXPECT_TRUE(exemplars.add(info(a), at(1, 1, std::string(120, 'x'))));
  EXPECT_FALSE(exemplars.add(info(a), at(2, 1, std::string(121, 'x'))));
}

TEST_F(ExemplarsTest, StandOnOpenMetricsPagesBehindCountersAndBuckets) {
  Exemplars exemplars;
  const auto counter = series("a_total", MetricType::counter);
  const auto gauge = series("g", MetricType::gauge);
  const auto bucket = series("h_bucket", MetricType::histogram, {{"le", "+Inf"}});
  const auto count = series("h_count", MetricType::histogram);
  const auto sum = series("h_sum", MetricType::histogram);
  const auto source = store_.add_source("test");
  const auto write = [&](std::int64_t ms, double value) {
    Batch batch;
    for (const auto* one : {&counter, &gauge, &bucket, &count, &sum}) batch.add(*one, value);
    store_.append(source, time_at_ms(ms), batch);
  };
  ExpositionPage page(ExpositionFormat::openmetrics, &exemplars);
  write(1000, 1);
  std::string text = page.draw(store_, nullptr);
  EXPECT_EQ(text.find('{', text.find("a_total")), text.find("{le="));
  for (const auto* one : {&counter, &gauge, &bucket, &count}) {
    EXPECT_TRUE(exemplars.add(info(*one), at(1'700'000'000'500, 0.5, "a\"b")));
  }
  for (const double value : {2.0, 3.0, 3.0}) {
    write(static_cast<std::int64_t>(value) * 1000, value);
    text = page.draw(store_, &text);
    const std::string number = std::to_string(static_cast<int>(value));
    EXPECT_NE(text.find("a_total " + number + " # {trace_id=\"a\\\"b\"} 0.5 1700000000.5\n"), std::string::npos) << text;
    EXPECT_NE(text.find("h_bucket{le=\"+Inf\"} " + number + " # {trace_id="), std::string::npos) << text;
    EXPECT_NE(text.find("\ng " + number + "\n"), std::string::npos) << text;
    EXPECT_NE(text.find("h_count " + number + "\n"), std::string::npos) << text;
  }
  ExpositionPage plain(ExpositionFormat::prometheus_text, nullptr);
  EXPECT_EQ(plain.draw(store_, nullptr).find(" # "), std::string::npos);
}

}  // namespace
}  // namespace sidewatch
