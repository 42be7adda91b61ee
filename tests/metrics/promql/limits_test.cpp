#include <gtest/gtest.h>

#include <string>

#include "metrics/promql/expression.h"
#include "tests/metrics/promql/fill.h"

namespace sidewatch::promql {
namespace {

class PromqlLimits : public testing::Test {
 protected:
  PromqlLimits() {
    for (int i = 0; i < 10; ++i) fixture.add("m", {{"i", std::to_string(i)}}, 0, 1, "1 2 3 4 5 6 7 8 9 10");
  }

  std::string ask(std::string_view text, Limits limits) const {
    const auto value = evaluate(*Expression::parse(text), fixture.store(), time_at_ms(10'000), {.limits = limits});
    return value ? "fine" : value.error().text();
  }

  Fixture fixture;
};

TEST_F(PromqlLimits, NameTheOneThatASelectorReaches) {
  EXPECT_EQ(ask("1 + m", {.max_series = 9}), "1:5: selector matches 10 series, more than the limit of 9 (max_series)");
  EXPECT_EQ(ask("rate(m[5s])", {.max_series = 9}),
            "1:6: selector matches 10 series, more than the limit of 9 (max_series)");
  EXPECT_EQ(ask("m + m", {.max_series = 10}), "fine");
}

TEST_F(PromqlLimits, CountEverySampleThatAQueryTouches) {
  EXPECT_EQ(ask("m + m", {.max_touched_samples = 20}), "fine");
  EXPECT_EQ(ask("m + m", {.max_touched_samples = 19}),
            "1:5: query touches more samples than the limit of 19 (max_touched_samples)");
  EXPECT_EQ(ask("sum_over_time(m[1m])", {.max_touched_samples = 100}), "fine");
  EXPECT_EQ(ask("sum_over_time(m[1m])", {.max_touched_samples = 99}),
            "1:15: query touches more samples than the limit of 99 (max_touched_samples)");
  EXPECT_EQ(ask("m[1m]", {.max_touched_samples = 99}), "1:1: query touches more samples than the limit of 99 (max_touched_samples)");
}

TEST_F(PromqlLimits, AreNotReachedByTimesBeyondAllSamples) {
  EXPECT_EQ(ask("m @ 9e15 offset -292y", {}), "fine");
  EXPECT_EQ(ask("m @ -9e18 offset 292y", {}), "fine");
  EXPECT_EQ(ask("sum_over_time(m[292y] offset 292y)", {}), "fine");
}

}  // namespace
}  // namespace sidewatch::promql
