#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <utility>

#include "agent/pass_grid.h"
#include "tests/agent/collector_set_fixture.h"
#include "tests/agent/no_threads.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

constexpr Duration interval = collector_set_interval;

TEST_F(CollectorSetTest, SaysNothingOfSuccessWhileAFirstPassTakesLongerThanAnInterval) {
  Gate gate;
  Pass slow = [&gate](Batch&, Time) -> Result<PassOutcome> {
    gate.pass();
    return PassOutcome{};
  };
  configure({scripted("memory", &slow)});
  start();
  now += interval;
  start();
  EXPECT_EQ(run_value("overruns_total"), 1);
  EXPECT_EQ(run_value("success"), std::nullopt);
  gate.open();
  ASSERT_TRUE(take_pass());
  EXPECT_EQ(run_value("success"), 1);
  EXPECT_THAT(told(), testing::IsEmpty());
}

TEST_F(CollectorSetTest, StartsANewCollectorAtOnceAndThenOnceAnInterval) {
  configure({gauge_plan("memory", value)});
  EXPECT_EQ(collectors.next_due(), now);
  pass();
  EXPECT_EQ(collectors.next_due(), start_of_test + 5s);
  now += 4999ms;
  start();
  EXPECT_EQ(run_value("passes_total"), 1);
  now += 1ms;
  pass();
  EXPECT_EQ(run_value("passes_total"), 2);
  EXPECT_EQ(run_value("overruns_total"), 0);
  EXPECT_EQ(collectors.next_due(), start_of_test + 10s);
}

TEST_F(CollectorSetTest, AsksForAPageSoonAndThenAtItsOwnPlaceInTheInterval) {
  configure({gauge_plan("scrape:shop", value)});
  const auto passes = first_passes("scrape:shop", interval, now);
  EXPECT_EQ(collectors.next_due(), passes.first);
  start();
  EXPECT_EQ(collectors.next_due(), passes.first) << "it is not due yet";
  now = passes.first;
  pass();
  EXPECT_EQ(collectors.next_due(), passes.second);
  now = passes.second + 300ms;
  pass();
  EXPECT_EQ(collectors.next_due(), passes.second + interval);
  now = passes.second + 8h;
  pass();
  EXPECT_EQ(collectors.next_due(), passes.second + 8h + interval);
  EXPECT_EQ(run_value("overruns_total", "scrape:shop"), 0);
}

TEST_F(CollectorSetTest, KeepsTheRhythmWhenAPassStartsLate) {
  configure({gauge_plan("memory", value)});
  pass();
  now += 5400ms;
  pass();
  EXPECT_EQ(collectors.next_due(), start_of_test + 10s);
}

TEST_F(CollectorSetTest, TellsOnceWhatAPassFoundWithoutTakingItForAFailure) {
  std::vector<PassNews> found{{true, "'front' fails: no connection"}, {false, "'mail' answers again"}};
  Pass what = [&](Batch&, Time) -> Result<PassOutcome> { return PassOutcome{0, "", std::exchange(found, {})}; };
  configure({scripted("probe", &what)});
  pass();
  EXPECT_THAT(told(), testing::ElementsAre("probe trouble: 'front' fails: no connection",
                                           "probe relief: 'mail' answers again"));
  EXPECT_EQ(run_value("success", "probe"), 1);
  EXPECT_EQ(run_value("partial_errors_total", "probe"), 0);
  now += 5s;
  pass();
  EXPECT_THAT(told(), testing::IsEmpty());
}

TEST_F(CollectorSetTest, TakesAPauseOfTheMachineForOnePass) {
  configure({gauge_plan("memory", value)});
  pass();
  now += 8h + 3s;
  pass();
  EXPECT_EQ(run_value("passes_total"), 2);
  EXPECT_EQ(run_value("overruns_total"), 0);
  EXPECT_EQ(collectors.next_due(), start_of_test + 8h + 5s);
  start();
  EXPECT_FALSE(mailbox->take(0ms));
}

TEST_F(CollectorSetTest, GivesACollectorItsOwnInterval) {
  auto slow = gauge_plan("disk", value);
  slow.interval = 1min;
  configure({gauge_plan("memory", value), slow});
  start();
  ASSERT_TRUE(take_pass());
  ASSERT_TRUE(take_pass());
  now += 5s;
  pass();
  EXPECT_EQ(run_value("passes_total", "memory"), 2);
  EXPECT_EQ(run_value("passes_total", "disk"), 1);
}

TEST_F(CollectorSetTest, StoresTheSamplesUnderTheTimeThatThePassBegan) {
  configure({gauge_plan("memory", value)});
  *value = 42;
  start();
  now += 800ms;
  ASSERT_TRUE(take_pass());
  const auto series = store.snapshot();
  const auto memory = std::find_if(series.begin(), series.end(), [](const auto& s) { return s.info->family->name == "memory"; });
  ASSERT_NE(memory, series.end());
  EXPECT_EQ(memory->last.value, 42);
  EXPECT_EQ(memory->last.time, start_of_test);
}

TEST_F(CollectorSetTest, SaysHowItsPassesWent) {
  Pass what = [](Batch&, Time) -> Result<PassOutcome> { return PassOutcome{3, "io"}; };
  configure({scripted("memory", &what)});
  pass();
  EXPECT_EQ(run_value("success"), 1);
  EXPECT_EQ(run_value("passes_total"), 1);
  EXPECT_EQ(run_value("partial_errors_total"), 3);
  ASSERT_TRUE(run_value("duration_seconds"));
  EXPECT_GE(*run_value("duration_seconds"), 0);
  now += 5s;
  pass();
  EXPECT_EQ(run_value("partial_errors_total"), 6);
}

TEST_F(CollectorSetTest, SkipsAndCountsAPassThatIsDueWhileOneRuns) {
  Gate gate;
  Pass what = [&gate](Batch&, Time) -> Result<PassOutcome> {
    EXPECT_TRUE(gate.pass());
    return PassOutcome{};
  };
  configure({scripted("memory", &what)});
  start();
  now += 5s;
  start();
  EXPECT_EQ(run_value("overruns_total"), 1);
  now += 5s;
  start();
  EXPECT_EQ(run_value("overruns_total"), 2);
  EXPECT_TRUE(told().empty()) << "ten seconds are not two missed passes and a half";
  gate.open();
  ASSERT_TRUE(take_pass());
  EXPECT_EQ(run_value("passes_total"), 1);
  EXPECT_FALSE(mailbox->take(0ms)) << "skipped passes are not made up for";
}

TEST_F(CollectorSetTest, MakesTheSeriesOfABlockedCollectorStaleAndLeavesTheOthersAlone) {
  Gate gate;
  bool block = false;
  const auto handle = std::make_shared<SeriesHandle>(catalog.series(Metric{"nfs", MetricType::gauge, "", ""}, {}));
  Pass what = [&gate, &block, handle](Batch& batch, Time) -> Result<PassOutcome> {
    const bool go_on = !block || gate.pass();
    EXPECT_TRUE(go_on);
    batch.add(*handle, 1);
    return PassOutcome{};
  };
  configure({scripted("nfs", &what), gauge_plan("memory", value)});
  start();
  ASSERT_TRUE(take_pass());
  ASSERT_TRUE(take_pass());
  EXPECT_EQ(shown(store, "nfs"), 1);
  block = true;
  for (int i = 0; i < 3; ++i) {  // the pass of 5 s blocks; at 10 s and 15 s it is an overrun
    now += 5s;
    start();
    ASSERT_TRUE(take_pass());  // memory's
    EXPECT_EQ(shown(store, "nfs").has_value(), i < 2);
  }
  EXPECT_FALSE(shown(store, "nfs"));
  EXPECT_EQ(shown(store, "memory"), 1);
  EXPECT_EQ(run_value("success", "nfs"), 0);
  EXPECT_EQ(run_value("overruns_total", "nfs"), 2);
  EXPECT_EQ(told(), std::vector<std::string>{"nfs overdue: no samples for 15s, a pass is still running"});
  now += 5s;
  start();
  EXPECT_TRUE(told().empty()) << "once is enough";
  gate.open();
  ASSERT_TRUE(take_pass());  // memory's or that of nfs
  ASSERT_TRUE(take_pass());
  EXPECT_EQ(told(), std::vector<std::string>{"nfs recovered"});
  EXPECT_EQ(run_value("success", "nfs"), 1);
  block = false;
  now += 5s;
  start();
  ASSERT_TRUE(take_pass());
  ASSERT_TRUE(take_pass());
  EXPECT_EQ(shown(store, "nfs"), 1);
}

TEST_F(CollectorSetTest, ShowsTheSamplesOfACollectorWhosePassesAreAlwaysTooSlow) {
  std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  const auto handle = std::make_shared<SeriesHandle>(catalog.series(Metric{"slow", MetricType::gauge, "", ""}, {}));
  Pass what = [&gate, handle](Batch& batch, Time) -> Result<PassOutcome> {
    EXPECT_TRUE(gate->pass());
    batch.add(*handle, 1);
    return PassOutcome{};
  };
  configure({scripted("slow", &what)});
  for (int pass = 0; pass < 3; ++pass) {  // each takes four intervals
    start();
    for (int i = 0; i < 4; ++i, now += interval) start();
    EXPECT_FALSE(shown(store, "slow")) << "pass " << pass;
    gate->open();
    ASSERT_TRUE(take_pass());
    gate = std::make_shared<Gate>();
    EXPECT_EQ(shown(store, "slow"), 1) << "pass " << pass;
  }
}

TEST_F(CollectorSetTest, SaysThatACollectorRecoveredWhoseFirstPassWasOverdue) {
  Gate gate;
  Pass what = [&gate](Batch&, Time) -> Result<PassOutcome> {
    EXPECT_TRUE(gate.pass());
    return PassOutcome{};
  };
  configure({scripted("nfs", &what)});
  for (int i = 0; i < 4; ++i, now += 5s) start();
  EXPECT_EQ(told(), std::vector<std::string>{"nfs overdue: no samples for 15s, a pass is still running"});
  EXPECT_FALSE(collectors.warmed_up());
  gate.open();
  ASSERT_TRUE(take_pass());
  EXPECT_EQ(told(), std::vector<std::string>{"nfs recovered"});
  EXPECT_TRUE(collectors.warmed_up());
}

TEST_F(CollectorSetTest, MakesTheSeriesOfAFailedCollectorStaleAtOnce) {
  bool fail = false;
  const auto handle = std::make_shared<SeriesHandle>(catalog.series(Metric{"db", MetricType::gauge, "", ""}, {}));
  Pass what = [&fail, handle](Batch& batch, Time) -> Result<PassOutcome> {
    batch.add(*handle, 1);
    if (fail) return Error{"connection refused", "postgres"};
    return PassOutcome{};
  };
  configure({scripted("db", &what)});
  pass();
  EXPECT_EQ(shown(store, "db"), 1);
  fail = true;
  now += 5s;
  pass();
  EXPECT_FALSE(shown(store, "db"));
  EXPECT_EQ(run_value("success", "db"), 0);
  EXPECT_EQ(run_value("passes_total", "db"), 2);
}

TEST_F(CollectorSetTest, FailsWithoutAThreadAndGoesOnWhenThereIsOne) {
  configure({gauge_plan("memory", value)});
  pass();
  {
    const NoThreads none;
    configure({gauge_plan("memory", value), gauge_plan("disk", value)});
    for (int i = 0; i < 3; ++i) {
      now += interval;
      start();
      ASSERT_TRUE(take_pass()) << "the old one goes on";
    }
    EXPECT_EQ(told(), std::vector<std::string>{"disk failed: cannot start a thread: Resource temporarily unavailable"});
    EXPECT_EQ(run_value("success", "disk"), 0);
    EXPECT_EQ(run_value("passes_total", "disk"), 3);
    EXPECT_EQ(run_value("overruns_total", "disk"), 0);
    EXPECT_EQ(run_value("success", "memory"), 1);
    EXPECT_TRUE(collectors.warmed_up()) << "the first scrape waits for no machine to get better";
  }
  now += interval;
  start();
  ASSERT_TRUE(take_pass() && take_pass());
  EXPECT_EQ(told(), std::vector<std::string>{"disk recovered"});
  EXPECT_EQ(shown(store, "disk"), 1.0);
}

TEST_F(CollectorSetTest, TellsOnlyWhatChanged) {
  Result<PassOutcome> outcome = PassOutcome{};
  Pass what = [&outcome](Batch&, Time) { return outcome; };
  configure({scripted("db", &what)});
  const auto after = [&](Result<PassOutcome> next) {
    outcome = std::move(next);
    start();
    EXPECT_TRUE(take_pass());
    now += 5s;
    return told();
  };
  using Lines = std::vector<std::string>;
  EXPECT_EQ(after(PassOutcome{}), Lines{});
  EXPECT_EQ(after(Error{"refused", ""}), Lines{"db failed: refused"});
  EXPECT_EQ(after(Error{"refused", ""}), Lines{});
  EXPECT_EQ(after(Error{"timed out", ""}), Lines{"db failed: timed out"});
  EXPECT_EQ(after(PassOutcome{}), Lines{"db recovered"});
  EXPECT_EQ(after(PassOutcome{}), Lines{});
  EXPECT_EQ(after(PassOutcome{1, "io: permission denied"}), Lines{"db partial: io: permission denied"});
  EXPECT_EQ(after(PassOutcome{1, "io: permission denied"}), Lines{});
  EXPECT_EQ(after(PassOutcome{1, "fd: permission denied"}), Lines{"db partial: fd: permission denied"});
  EXPECT_EQ(after(PassOutcome{}), Lines{"db whole"});
  EXPECT_EQ(after(PassOutcome{}), Lines{});
  EXPECT_EQ(after(PassOutcome{1, "io: permission denied"}), Lines{"db partial: io: permission denied"});
  EXPECT_EQ(after(Error{"refused", ""}), Lines{"db failed: refused"});
  EXPECT_EQ(after(PassOutcome{}), Lines{"db recovered"});
}

TEST_F(CollectorSetTest, TellsOfAFailureInTheFirstPass) {
  Pass what = [](Batch&, Time) -> Result<PassOutcome> { return Error{"refused", ""}; };
  configure({scripted("db", &what)});
  pass();
  EXPECT_EQ(told(), std::vector<std::string>{"db failed: refused"});
}

TEST_F(CollectorSetTest, IsWarmedUpWhenEveryCollectorEndedAPassWellOrNot) {
  EXPECT_TRUE(collectors.warmed_up()) << "nothing to wait for";
  Pass failing = [](Batch&, Time) -> Result<PassOutcome> { return Error{"refused", ""}; };
  configure({gauge_plan("memory", value), scripted("db", &failing)});
  EXPECT_FALSE(collectors.warmed_up());
  start();
  ASSERT_TRUE(take_pass());
  EXPECT_FALSE(collectors.warmed_up());
  ASSERT_TRUE(take_pass());
  EXPECT_TRUE(collectors.warmed_up());
}

TEST(CollectorSet, LeavesABlockedThreadBehindWhenItStops) {
  Catalog catalog{Catalog::Limits{}, Labels{}};
  Store store{catalog, Store::Limits{}};
  const auto mailbox = std::make_shared<LoopMailbox>(64);
  const auto gate = std::make_shared<Gate>();
  const auto entered = std::make_shared<Gate>();
  CollectorSet collectors{CollectorContext{catalog, &store, nullptr, "1"}, store, mailbox};
  collectors.configure({collector_plan("fifo", [gate, entered](const CollectorContext&) -> Pass {
                         return [gate, entered](Batch&, Time) -> Result<PassOutcome> {
                           entered->open();
                           EXPECT_TRUE(gate->pass());
                           return PassOutcome{};
                         };
                       })},
                       interval, start_of_test);
  std::vector<CollectorNews> news;
  collectors.start_due(start_of_test, news);
  ASSERT_TRUE(entered->pass());
  collectors.request_stop();
  EXPECT_FALSE(collectors.join(0ms));
  EXPECT_FALSE(collectors.join(0ms)) << "it stays left behind";
  gate->open();
}

}  // namespace
}  // namespace sidewatch
