// What rules see of lines: the first value of a counter is an increase, and so is one that comes long after it.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <string>
#include <string_view>

#include "collectors/statsd/aggregate.h"
#include "metrics/promql/expression.h"
#include "metrics/store.h"

namespace sidewatch::statsd {
namespace {

using namespace std::chrono_literals;

class StatsdIncrease : public ::testing::Test {
 protected:
  void pass(Duration later = 5s) {
    now += later;
    batch.clear();
    aggregate.write(batch, now);
    store.append(source, now, batch);
    store.expire(now);
  }
  // Of one series; NaN where there is none.
  double ask(std::string_view text) const {
    const auto expression = promql::Expression::parse(text);
    const auto value = promql::evaluate(*expression, store, now);
    const auto* const vector = value ? std::get_if<promql::Vector>(&*value) : nullptr;
    return vector != nullptr && vector->size() == 1 ? vector->front().value : std::nan("");
  }

  Catalog catalog{Catalog::Limits{}, Labels{}};
  Store store{catalog, Store::Limits{}};
  SourceId source = store.add_source("statsd");
  Aggregate aggregate{catalog, AggregateOptions{}};
  Batch batch;
  Time now = time_at_ms(100'000'000);
};

TEST_F(StatsdIncrease, IsSeenInTheFirstLineThatEverCame) {
  pass();
  aggregate.take("errors:5|c\ntook:20:40|ms");
  pass();
  EXPECT_DOUBLE_EQ(ask("increase(errors[5m])"), 5);
  EXPECT_DOUBLE_EQ(ask("increase(took_count[5m])"), 2);
  EXPECT_EQ(ask("errors"), 5);
  for (int i = 0; i < 61; ++i) pass();
  EXPECT_EQ(ask("increase(errors[5m])"), 0);
}

TEST_F(StatsdIncrease, IsSeenInOneLineADayAlthoughItsSeriesWasForgottenMeanwhile) {
  pass();
  aggregate.take("errors:5|c");
  pass();
  for (int i = 0; i < 24 * 60; ++i) pass(1min);
  ASSERT_EQ(catalog.size(), 0U) << "nothing is left of it but its sum";
  aggregate.take("errors:5|c");
  pass();
  EXPECT_EQ(ask("errors"), 10) << "which goes on";
  EXPECT_GE(ask("increase(errors[5m])"), 5);
  for (int i = 0; i < 12; ++i) pass();
  EXPECT_NEAR(ask("increase(errors[5m])"), 5, 0.2) << "extrapolated by half an interval, as Prometheus does";
}

}  // namespace
}  // namespace sidewatch::statsd
