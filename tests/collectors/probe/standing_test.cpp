#include "collectors/probe/standing.h"

#include <gtest/gtest.h>

#include <cmath>

#include "collectors/probe/probe.h"
#include "collectors/probe/windows.h"

namespace sidewatch::probe {
namespace {

using namespace std::chrono_literals;

TEST(ProbeWindow, TellsTheShareOfRunsThatSucceeded) {
  Window window(5min, 12);
  EXPECT_TRUE(std::isnan(window.success_ratio()));
  for (int i = 0; i < 8; ++i) window.add(Duration(i * 10'000), i % 4 != 0, 0.1);
  EXPECT_DOUBLE_EQ(window.success_ratio(), 0.75);
}

TEST(ProbeWindow, ForgetsWhatIsOlderThanItsName) {
  Window window(5min, 12);
  window.add(0min, false, std::nullopt);
  window.add(54min, true, 0.1);
  EXPECT_DOUBLE_EQ(window.success_ratio(), 0.5);
  window.add(60min, true, 0.1);
  EXPECT_DOUBLE_EQ(window.success_ratio(), 1);
  window.add(10h, false, std::nullopt);
  EXPECT_DOUBLE_EQ(window.success_ratio(), 0);
}

TEST(ProbeWindow, GivesQuantilesWithinFivePercent) {
  Window window(5min, 12);
  EXPECT_TRUE(std::isnan(window.quantile(0.5)));
  for (int i = 1; i <= 1000; ++i) window.add(Duration(i * 3'000), true, i / 1000.0);
  for (const double q : {0.01, 0.5, 0.95, 0.99, 1.0}) EXPECT_NEAR(window.quantile(q) / q, 1, 0.051) << q;
}

TEST(ProbeWindow, TakesTheShortestAndTheLongestTimesThereAre) {
  Window window(5min, 12);
  window.add(0ms, true, 0);
  EXPECT_GT(window.quantile(0.5), 0);
  window.add(0ms, true, 1e9);
  EXPECT_GT(window.quantile(1), 1000);
}

class StandingTest : public testing::Test {
 protected:
  std::vector<std::string> page() {
    Batch batch;
    standing.write(batch);
    std::vector<std::string> lines;
    for (const auto& sample : batch.samples()) {
      const auto info = catalog.info(sample.series);
      lines.push_back(info->family->name + info->labels.to_string());
    }
    return lines;
  }
  bool has(const std::string& line) {
    const auto lines = page();
    return std::find(lines.begin(), lines.end(), line) != lines.end();
  }
  static Verdict failed(Reason reason, std::string text) {
    Verdict verdict;
    verdict.fail(reason, std::move(text));
    return verdict;
  }

  Catalog catalog{Catalog::Limits{}, Labels{}};
  Standing standing{catalog, "front", Labels{{"probe", "front"}}};
  TimePoint now{};
};

TEST_F(StandingTest, SaysNothingBeforeTheFirstRunHasEnded) {
  EXPECT_TRUE(page().empty());
}

TEST_F(StandingTest, TellsTheReasonAsASeriesWhileTheCheckFails) {
  standing.take(failed(Reason::connect, "refused"), 0.1, now);
  EXPECT_TRUE(has(R"(probe_failure_info{probe="front", reason="connect"})"));
  standing.take(Verdict{}, 0.1, now + 10s);
  EXPECT_FALSE(has(R"(probe_failure_info{probe="front", reason="connect"})"));
  EXPECT_TRUE(has(R"(probe_success{probe="front"})"));
}

TEST_F(StandingTest, IsNewsOnlyWhenTheCheckTurns) {
  EXPECT_FALSE(standing.take(Verdict{}, 0.1, now));
  const auto fails = standing.take(failed(Reason::connect, "refused"), 0.1, now + 10s);
  ASSERT_TRUE(fails);
  EXPECT_TRUE(fails->trouble);
  EXPECT_EQ(fails->text, "check 'front' fails: refused");
  EXPECT_FALSE(standing.take(failed(Reason::connect, "refused"), 0.1, now + 20s));
  EXPECT_EQ(standing.take(failed(Reason::status, "the status is 500"), 0.1, now + 30s)->text,
            "check 'front' fails: the status is 500");
  const auto well = standing.take(Verdict{}, 0.1, now + 130s);
  ASSERT_TRUE(well);
  EXPECT_FALSE(well->trouble);
  EXPECT_EQ(well->text, "check 'front' succeeds again, after 2m");
  EXPECT_FALSE(standing.take(Verdict{}, 0.1, now + 140s));
}

TEST_F(StandingTest, KeepsItsSeriesFromRunToRun) {
  standing.take(Verdict{}, 0.1, now);
  const auto before = catalog.generation();
  standing.take(Verdict{}, 0.2, now + 10s);
  EXPECT_EQ(catalog.generation(), before);
}

TEST(ProbeSchedule, SpreadsTheFirstRunsOverTheInterval) {
  constexpr int tenths = 10;
  std::vector<int> counts(tenths);
  for (int i = 0; i < 1000; ++i) {
    const auto delay = first_delay("check-" + std::to_string(i), 10s);
    ASSERT_GE(delay, 0s);
    ASSERT_LT(delay, 10s);
    counts[static_cast<std::size_t>(delay / 1s)] += 1;
    EXPECT_EQ(delay, first_delay("check-" + std::to_string(i), 10s));
  }
  for (const int count : counts) EXPECT_NEAR(count, 100, 40);
}

TEST(ProbeSchedule, LetsNobodyWaitAnHourForACheckThatRunsOnceAnHour) {
  for (int i = 0; i < 100; ++i) EXPECT_LT(first_delay("check-" + std::to_string(i), 1h), 1min);
}

}  // namespace
}  // namespace sidewatch::probe
