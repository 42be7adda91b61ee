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
  std::vector<std::pair<std::string, double>> samples_of(const Standing& of) {
    Batch batch;
    of.write(batch);
    std::vector<std::pair<std::string, double>> all;
    for (const auto& sample : batch.samples()) {
      const auto info = catalog.info(sample.series);
      all.emplace_back(info->family->name + info->labels.to_string(), sample.value);
    }
    return all;
  }
  std::vector<std::string> page_of(const Standing& of) {
    std::vector<std::string> lines;
    for (const auto& [line, value] : samples_of(of)) lines.push_back(line);
    return lines;
  }
  std::optional<double> value_of(const Standing& of, const std::string& line) {
    for (const auto& [one, value] : samples_of(of)) {
      if (one == line) return value;
    }
    return std::nullopt;
  }
  std::vector<std::string> page() { return page_of(standing); }
  std::optional<double> value(const std::string& line) { return value_of(standing, line); }
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
  Standing standing{catalog, {"front", Labels{{"probe", "front"}}, {}, 3}};
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

TEST_F(StandingTest, LetsStandWhatStoodWhileAFewRunsDoNotTakePlace) {
  standing.take(Verdict{}, 0.1, now);
  const auto not_run = standing.take(failed(Reason::not_run, "no thread is free"), 0.1, now + 10s);
  ASSERT_TRUE(not_run);
  EXPECT_EQ(not_run->text, "check 'front' is not run: no thread is free");
  EXPECT_FALSE(standing.take(failed(Reason::not_run, "no thread is free"), 0.1, now + 20s));
  EXPECT_TRUE(has(R"(probe_success{probe="front"})"));
  EXPECT_FALSE(has(R"(probe_failure_info{probe="front", reason="not_run"})"));
  standing.take(failed(Reason::not_run, "no thread is free"), 0.1, now + 30s);
  EXPECT_TRUE(page().empty());
  const auto again = standing.take(Verdict{}, 0.1, now + 40s);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->trouble);
  EXPECT_EQ(again->text, "check 'front' is run again, and succeeds");
  EXPECT_TRUE(has(R"(probe_success{probe="front"})"));
}

TEST_F(StandingTest, CountsNoRunThatDidNotTakePlaceAsAFailure) {
  standing.take(Verdict{}, 0.1, now);
  for (int i = 0; i < 5; ++i) standing.take(failed(Reason::not_run, "no thread is free"), 0.1, now + 10s);
  standing.take(Verdict{}, 0.1, now + 20s);
  EXPECT_EQ(value(R"(probe_uptime_ratio{probe="front", window="24h"})"), 1);
}

TEST_F(StandingTest, BoundsTheSeriesWhoseLabelsItsTargetMakes) {
  const auto told = [](const std::string& serial) {
    Verdict verdict;
    verdict.add_foreign(ssl_chain_info_metric, 1, Labels{{"serialnumber", serial}});
    return verdict;
  };
  for (int i = 0; i < 3; ++i) standing.take(told(std::to_string(i)), 0.1, now);
  EXPECT_EQ(standing.what_is_wrong(), "");
  const auto series = catalog.size();
  for (int i = 3; i < 100; ++i) standing.take(told(std::to_string(i)), 0.1, now);
  EXPECT_EQ(catalog.size(), series);
  EXPECT_EQ(standing.what_is_wrong(),
            "check 'front': what its target says of itself is another thing too often: more than 3 series of it stand, "
            "or are remembered by the history; further ones are left out");
  EXPECT_TRUE(has(R"(probe_success{probe="front"})"));
  standing.take(told("1"), 0.1, now);
  EXPECT_EQ(standing.what_is_wrong(), "");
  EXPECT_TRUE(has(R"(probe_ssl_last_chain_info{probe="front", serialnumber="1"})"));
}

TEST_F(StandingTest, HandsOverWhatItCountedAndWhatStands) {
  standing.take(Verdict{}, 0.1, now);
  standing.take(failed(Reason::connect, "refused"), 0.1, now + 10s);
  Standing same{catalog, {"front", Labels{{"probe", "front"}}, {}, 3}};
  same.inherit(standing.leave(), true);
  EXPECT_FALSE(same.take(failed(Reason::connect, "refused"), 0.1, now + 20s)) << "this was told before";
  Standing changed{catalog, {"front", Labels{{"probe", "front"}}, {}, 3}};
  changed.inherit(same.leave(), false);
  EXPECT_TRUE(page_of(changed).empty());
  changed.take(Verdict{}, 0.1, now + 30s);
  EXPECT_EQ(value_of(changed, R"(probe_uptime_ratio{probe="front", window="24h"})"), 0.5);
}

constexpr const char* expiry = R"(probe_ssl_earliest_cert_expiry{probe="front"})";

Verdict with_certificate(double end) {
  Verdict verdict;
  verdict.add(ssl_earliest_expiry_metric, end);
  return verdict;
}

TEST_F(StandingTest, TellsTheLastKnownEndOfACertificateWhileNobodyCanLookAtIt) {
  standing.take(failed(Reason::connect, "refused"), 0.1, now);
  EXPECT_FALSE(value(expiry)) << "none was ever seen";
  standing.take(with_certificate(1000), 0.1, now + 10s);
  standing.take(failed(Reason::connect, "refused"), 0.1, now + 20s);
  EXPECT_EQ(value(expiry), 1000);
  for (int i = 0; i < most_left_out; ++i) standing.take(failed(Reason::not_run, "no thread is free"), 0.1, now + 30s);
  EXPECT_FALSE(value(expiry)) << "nothing stands where nothing runs";
  standing.take(failed(Reason::connect, "refused"), 0.1, now + 40s);
  EXPECT_EQ(value(expiry), 1000);
  standing.take(with_certificate(2000), 0.1, now + 50s);
  EXPECT_EQ(value(expiry), 2000);
}

TEST_F(StandingTest, TellsTheEndThatARunThatFailsHasSeenItself) {
  standing.take(with_certificate(1000), 0.1, now);
  auto over = with_certificate(900);
  over.fail(Reason::certificate, "it is over");
  standing.take(std::move(over), 0.1, now + 10s);
  EXPECT_EQ(value(expiry), 900);
}

TEST_F(StandingTest, ForgetsTheEndOfACertificateThatIsNoLongerUsed) {
  standing.take(with_certificate(1000), 0.1, now);
  standing.take(Verdict{}, 0.1, now + 10s);
  EXPECT_FALSE(value(expiry));
  standing.take(failed(Reason::connect, "refused"), 0.1, now + 20s);
  EXPECT_FALSE(value(expiry));
}

TEST_F(StandingTest, ForgetsTheEndOfACertificateAWeekAfterItWasSeen) {
  standing.take(with_certificate(1000), 0.1, now);
  standing.take(failed(Reason::connect, "refused"), 0.1, now + 24h * 7);
  EXPECT_EQ(value(expiry), 1000);
  standing.take(failed(Reason::connect, "refused"), 0.1, now + 24h * 7 + 1s);
  EXPECT_FALSE(value(expiry));
}

TEST_F(StandingTest, HandsOverTheEndOfACertificateWithWhenItWasSeen) {
  standing.take(with_certificate(1000), 0.1, now);
  standing.take(failed(Reason::connect, "refused"), 0.1, now + 24h);
  Standing same{catalog, {"front", Labels{{"probe", "front"}}, {}, 3}};
  same.inherit(standing.leave(), false);
  same.take(failed(Reason::connect, "refused"), 0.1, now + 24h * 7);
  EXPECT_EQ(value_of(same, expiry), 1000);
  same.take(failed(Reason::connect, "refused"), 0.1, now + 24h * 8);
  EXPECT_FALSE(value_of(same, expiry));
}

TEST_F(StandingTest, TellsTheWindowsThatAreAskedForAlone) {
  Standing week{catalog, {"week", Labels{{"probe", "week"}}, {{false, false, true}}, 3}};
  week.take(Verdict{}, 0.1, now);
  const auto lines = page_of(week);
  EXPECT_EQ(lines.size(), 3u) << testing::PrintToString(lines);
  EXPECT_EQ(value_of(week, R"(probe_uptime_ratio{probe="week", window="7d"})"), 1);
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
