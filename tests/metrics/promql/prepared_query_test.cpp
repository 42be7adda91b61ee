#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "metrics/promql/evaluator.h"
#include "metrics/promql/expression.h"
#include "tests/metrics/promql/fill.h"

namespace sidewatch::promql {
namespace {

double number(const Result<Value>& value) {
  EXPECT_TRUE(value) << value.error().text();
  const auto& vector = std::get<Vector>(*value);
  EXPECT_EQ(vector.size(), 1U);
  return vector.empty() ? -1 : vector.front().value;
}

PreparedQuery prepare(std::string_view text) { return PreparedQuery(*Expression::parse(text)); }

TEST(PreparedQuery, AnswersLikeAFreshEvaluationEveryTime) {
  Fixture fixture;
  fixture.add("used", {{"i", "a"}}, 0, 10, "1 2 3 4 5 6");
  fixture.add("size", {{"i", "a"}}, 0, 10, "10 10 10 10 10 10");
  PreparedQuery query = prepare("100 * sum by (i) (used / size) > 15");
  for (int second = 0; second < 60; ++second) {
    const Time at = time_at_ms(second * 1000);
    const auto fresh = evaluate(query.expression(), fixture.store(), at);
    const auto again = query.evaluate(fixture.store(), at);
    ASSERT_TRUE(fresh && again);
    ASSERT_EQ(std::get<Vector>(*fresh).size(), std::get<Vector>(*again).size()) << second;
    EXPECT_EQ(std::get<Vector>(*again).size(), second < 10 ? 0U : 1U) << second;
    if (second >= 10) {
      EXPECT_EQ(number(fresh), number(again)) << second;
    }
  }
}

TEST(PreparedQuery, SeesSeriesThatAppearAfterItsFirstEvaluation) {
  Fixture fixture;
  PreparedQuery query = prepare("count(m)");
  EXPECT_TRUE(std::get<Vector>(*query.evaluate(fixture.store(), time_at_ms(0))).empty());
  for (int i = 1; i <= 5; ++i) {
    fixture.add("m", {{"i", std::to_string(i)}}, 0, 10, "1");
    EXPECT_EQ(number(query.evaluate(fixture.store(), time_at_ms(0))), i);
  }
}

TEST(PreparedQuery, StillAnswersAfterAnError) {
  Fixture fixture;
  fixture.add("l", {{"x", "1"}, {"y", "1"}}, 0, 10, "1 1 1");
  fixture.add("l", {{"x", "1"}, {"y", "2"}}, 0, 10, "1 1 stale");
  fixture.add("r", {{"x", "1"}}, 0, 10, "5 5 5");
  PreparedQuery query = prepare("r + on (x) l");
  EXPECT_FALSE(query.evaluate(fixture.store(), time_at_ms(10'000)));
  EXPECT_EQ(number(query.evaluate(fixture.store(), time_at_ms(20'000))), 6);
  EXPECT_FALSE(query.evaluate(fixture.store(), time_at_ms(10'000)));
}

TEST(PreparedQuery, MayBeAskedOfAnotherStore) {
  Fixture one;
  Fixture other;
  one.add("m", {}, 0, 10, "1");
  other.add("n", {}, 0, 10, "7");
  other.add("m", {}, 0, 10, "2");
  PreparedQuery query = prepare("m + 0");
  EXPECT_EQ(number(query.evaluate(one.store(), time_at_ms(0))), 1);
  EXPECT_EQ(number(query.evaluate(other.store(), time_at_ms(0))), 2);
  EXPECT_EQ(number(query.evaluate(one.store(), time_at_ms(0))), 1);
}

TEST(PreparedQuery, HonoursALimitThatIsLoweredLater) {
  Fixture fixture;
  fixture.add("m", {{"i", "1"}}, 0, 10, "1");
  fixture.add("m", {{"i", "2"}}, 0, 10, "1");
  PreparedQuery query = prepare("sum(m)");
  EXPECT_EQ(number(query.evaluate(fixture.store(), time_at_ms(0))), 2);
  EXPECT_FALSE(query.evaluate(fixture.store(), time_at_ms(0), {.limits = {.max_series = 1}}));
}

TEST(PreparedQuery, WorksAfterItIsMoved) {
  Fixture fixture;
  fixture.add("m", {}, 0, 10, "3");
  PreparedQuery query = prepare("m");
  EXPECT_EQ(number(query.evaluate(fixture.store(), time_at_ms(0))), 3);
  PreparedQuery moved = std::move(query);
  EXPECT_EQ(number(moved.evaluate(fixture.store(), time_at_ms(0))), 3);
}

// count_values makes labels out of values: a memory that only grew would never end.
TEST(PromqlMemory, StartsAfreshWhenItHoldsTooManyLabelSets) {
  Fixture fixture;
  Memory memory;
  const Limits limits{.max_label_sets = 1000};
  memory.refresh(fixture.store(), limits);
  for (std::size_t i = 0; i < limits.max_label_sets; ++i) memory.pool.intern(Labels{{"v", std::to_string(i)}});
  memory.refresh(fixture.store(), limits);
  EXPECT_EQ(memory.pool.size(), limits.max_label_sets);
  memory.pool.intern(Labels{{"w", "one more"}});
  memory.refresh(fixture.store(), limits);
  EXPECT_EQ(memory.pool.size(), 0U);
}

TEST(PromqlMemory, InternsEqualLabelsOnce) {
  LabelPool pool;
  const LabelId id = pool.intern(Labels{{"__name__", "m"}, {"a", "1"}});
  EXPECT_EQ(pool.intern(Labels{{"a", "1"}, {"__name__", "m"}}), id);
  const LabelId nameless = pool.without_name(id);
  EXPECT_NE(nameless, id);
  EXPECT_EQ(pool.labels(nameless), (Labels{{"a", "1"}}));
  EXPECT_EQ(pool.without_name(nameless), nameless);
  EXPECT_EQ(pool.size(), 2U);
}

}  // namespace
}  // namespace sidewatch::promql
