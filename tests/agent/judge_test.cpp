#include "agent/judge.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "agent/time_away.h"
#include "alerting/alert.h"
#include "tests/agent/scripted.h"
#include "tests/alerting/rules/engine_world.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

constexpr const char* memory_rule = R"(
rules:
  - alert: MemoryHigh
    expr: memory
    warning: {above: 80}
    critical: {above: 95}
)";

constexpr const char* delayed_rule = R"(
rules:
  - alert: MemoryHigh
    expr: memory
    warning: {above: 80}
    for: 30s
)";

Outbox open(const std::string& directory, const OutboxLimits& limits = {}) {
  auto opened = Outbox::open(directory, limits);
  EXPECT_TRUE(opened) << (opened ? "" : opened.error().text());
  return std::move(*opened);
}

class JudgeTest : public testing::Test {
 protected:
  JudgeTest() { judge.set_router(std::vector<std::string>{"oncall"}); }

  void use(std::string_view rules) { judge.replace_rules(rules_of(rules)); }
  void deliver(double value, const Labels& labels = {}) { deliver("memory", {{labels, value}}); }
  void deliver(const std::string& metric, const std::vector<std::pair<Labels, double>>& values) {
    auto& [id, handles] = sources[metric];
    if (handles.empty()) id = store.add_source(metric);
    Batch batch;
    for (const auto& [labels, value] : values) {
      handles.push_back(catalog.series(Metric{metric, MetricType::gauge, "", "Of the test."}, labels));
      batch.add(handles.back(), value);
    }
    store.append(id, now, batch);
  }
  JudgeReport judged() { return judge.judge(now, wall_step); }
  JudgeReport after(Duration later, double value) {
    now += later;
    deliver(value);
    return judged();
  }
  // What a process would find that starts now; the database is copied as a crash leaves it.
  Loaded as_after_a_crash() {
    for (const auto* name : {"outbox.db", "outbox.db-wal", "outbox.high-water"}) {
      std::error_code absent;
      std::filesystem::copy_file(directory / name, copy / name, std::filesystem::copy_options::overwrite_existing, absent);
    }
    auto outbox_after = open(copy.path());
    return outbox_after.load().value();
  }
  std::int64_t commits() const { return outbox.statistics().commits; }

  TempDir directory, copy;
  Time now = start_of_test;
  Duration wall_step{0};
  Catalog catalog{Catalog::Limits{}, Labels{}};
  Store store{catalog, Store::Limits{}};
  std::map<std::string, std::pair<SourceId, std::vector<SeriesHandle>>> sources;
  Outbox outbox = open(directory.path());
  Loaded loaded = outbox.load().value();
  Dispatcher dispatcher{outbox, loaded, {{"oncall", "", 100}}, [] { return 0.5; }, now};
  BootPosition boot{"this boot", 5'000};
  Judge judge{Engine({}, {}), dispatcher, catalog, store, [this] { return boot; }};
};

TEST_F(JudgeTest, CommitsStatesAndMessagesOfATickInOneTransaction) {
  use(memory_rule);
  after(5s, 50);
  const auto before = commits();
  const auto report = after(5s, 90);
  EXPECT_EQ(commits(), before + 1);
  ASSERT_EQ(report.events.size(), 1u);
  EXPECT_EQ(report.events[0].sent, Reason::fired);
  const Loaded found = as_after_a_crash();
  ASSERT_EQ(found.pending.size(), 1u);
  EXPECT_EQ(found.pending[0].notification.rule, "MemoryHigh");
  ASSERT_EQ(found.states.size(), 1u);
  EXPECT_EQ(found.states[0].key, found.pending[0].notification.alert_key);
}

TEST_F(JudgeTest, ShowsNothingThatIsNotOnDisk) {
  use(memory_rule);
  after(5s, 90);
  const Loaded found = as_after_a_crash();
  ASSERT_EQ(judge.alerts().read()->size(), 1u);
  const AlertView& alert = judge.alerts().read()->front();
  EXPECT_TRUE(alert.firing);
  ASSERT_EQ(found.states.size(), 1u);
  EXPECT_EQ(found.states[0].key, alert.key);
  EXPECT_EQ(found.pending.at(0).notification.incident, alert.incident);
}

TEST_F(JudgeTest, RunsNoCooldownForWhatWasHeldBackUntilItWasOver) {
  use(memory_rule);
  std::optional<Time> held = now + 1h;
  dispatcher.set_hold_back([&](const Notification&, Time) { return held; });
  dispatcher.set_renew([&](Notification& message, Time at) { judge.renew(message, at, wall_step); });
  after(5s, 90);
  after(5s, 50);
  EXPECT_EQ(after(5s, 85).events.at(0).sent, Reason::fired) << "the default cooldown has not passed";
  after(30min, 92);
  held.reset();
  now += 1s;
  const auto told = dispatcher.due(now);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].first().value, 92);
  EXPECT_EQ(told[0].first().duration, 30min + 1s);
}

TEST_F(JudgeTest, WritesNothingWhileAllIsWell) {
  use(memory_rule);
  after(5s, 50);
  const auto before = commits();
  for (int i = 0; i < 20; ++i) after(5s, 50 + i);
  EXPECT_EQ(commits(), before);
}

TEST_F(JudgeTest, WritesNothingForAnAlertThatGoesOnFiring) {
  use(memory_rule);
  after(5s, 90);
  const auto before = commits();
  for (int i = 0; i < 20; ++i) after(5s, 90);
  EXPECT_EQ(commits(), before);
}

TEST_F(JudgeTest, SavesASignOfLifeAboutOnceASecondWhileADelayRuns) {
  use(delayed_rule);
  after(5s, 90);
  const auto before = commits();
  for (int i = 0; i < 50; ++i) after(200ms, 90);  // ten seconds
  EXPECT_GE(commits() - before, 9);
  EXPECT_LE(commits() - before, 11);
  const Loaded found = as_after_a_crash();
  ASSERT_TRUE(found.saved);
  EXPECT_GE(found.saved->time, now - 1s);
  EXPECT_LE(found.saved->time, now);
  EXPECT_EQ(found.saved->boot.boot_id, "this boot");
  EXPECT_EQ(found.saved->boot.boot_time_ms, 5'000);
}

TEST_F(JudgeTest, SavesHowFarTheWallClockWasMoved) {
  use(delayed_rule);
  wall_step = -3h;
  after(5s, 90);
  const Loaded found = as_after_a_crash();
  ASSERT_TRUE(found.saved);
  EXPECT_EQ(found.saved->wall_step, -3h);
}

TEST_F(JudgeTest, KnowsWhenItIsDueAlthoughNoSampleArrives) {
  use(delayed_rule);
  EXPECT_FALSE(judge.next_due());
  after(5s, 90);
  const Time crossed = now;
  EXPECT_EQ(judge.next_due(), crossed + 30s);
  EXPECT_FALSE(judge.due(crossed + 29'999ms));
  EXPECT_TRUE(judge.due(crossed + 30s));
  now = crossed + 30s;
  const auto report = judged();
  ASSERT_EQ(report.events.size(), 1u);
  EXPECT_EQ(report.events[0].transition, Transition::fired);
  EXPECT_FALSE(judge.due(now)) << "nothing is left to wait for";
}

TEST_F(JudgeTest, ShowsPendingAndFiringAlertsAsSeriesThatGoStale) {
  use(delayed_rule);
  const Labels labels{{"alertname", "MemoryHigh"}, {"level", "warning"}, {"severity", "warning"}};
  after(5s, 90);
  EXPECT_EQ(shown(store, "ALERTS", labels.with("alertstate", "pending")), 1);
  EXPECT_FALSE(shown(store, "ALERTS", labels.with("alertstate", "firing")));
  after(30s, 90);
  EXPECT_FALSE(shown(store, "ALERTS", labels.with("alertstate", "pending")));
  EXPECT_EQ(shown(store, "ALERTS", labels.with("alertstate", "firing")), 1);
  after(5s, 50);
  EXPECT_FALSE(shown(store, "ALERTS", labels.with("alertstate", "firing")));
  EXPECT_TRUE(judge.alerts().read()->empty());
}

TEST_F(JudgeTest, LeavesThePageAloneWhileThereIsNoAlert) {
  use(memory_rule);
  after(5s, 50);
  const auto before = store.version();
  judged();
  EXPECT_EQ(store.version(), before);
}

TEST_F(JudgeTest, KeepsAPublishedListForWhoReadsIt) {
  use(memory_rule);
  after(5s, 90);
  const auto read = judge.alerts().read();
  after(5s, 50);
  ASSERT_EQ(read->size(), 1u);
  EXPECT_EQ(read->front().value, 90);
  EXPECT_TRUE(judge.alerts().read()->empty());
}

constexpr const char* ambiguous = R"(
  - alert: Ambiguous
    expr: '{__name__=~"used|free"}'
    warning: {above: 1}
)";

TEST_F(JudgeTest, ReportsARuleThatFailsOnceAndCountsEveryFailure) {
  use(std::string("rules:") + ambiguous);
  deliver("used", {{{}, 1}});
  deliver("free", {{{}, 1}});
  auto report = judged();
  ASSERT_EQ(report.problems.size(), 1u);
  EXPECT_EQ(report.problems[0], "rule Ambiguous: the expression gives two values for {}");
  EXPECT_EQ(report.rules_failed, 1u);
  report = judged();
  EXPECT_TRUE(report.problems.empty());
  EXPECT_EQ(report.rules_failed, 1u);
  ASSERT_EQ(judge.rules().size(), 1u);
  EXPECT_EQ(judge.rules()[0].failures, 2u);
}

TEST_F(JudgeTest, ReportsARuleAgainThatFailsAgain) {
  use(std::string("rules:") + ambiguous);
  deliver("used", {{{}, 1}});
  deliver("free", {{{}, 1}});
  EXPECT_EQ(judged().problems.size(), 1u);
  now += 5s;
  deliver("free", {});
  EXPECT_TRUE(judged().problems.empty());
  EXPECT_EQ(judge.rules()[0].last_error, "");
  now += 5s;
  deliver("free", {{{}, 1}});
  EXPECT_EQ(judged().problems.size(), 1u);
}

TEST_F(JudgeTest, DoesNotReportAFailingRuleAgainBecauseAReloadMovedIt) {
  use(std::string("rules:") + ambiguous);
  deliver("used", {{{}, 1}});
  deliver("free", {{{}, 1}});
  EXPECT_EQ(judged().problems.size(), 1u);
  use(std::string(memory_rule) + ambiguous);
  EXPECT_TRUE(judged().problems.empty());
}

TEST_F(JudgeTest, ResolvesTheAlertsOfARuleThatAReloadTookAway) {
  use(memory_rule);
  after(5s, 90);
  judge.replace_rules({});
  const auto report = judged();
  ASSERT_EQ(report.events.size(), 1u);
  EXPECT_EQ(report.events[0].sent, Reason::rule_removed);
  EXPECT_TRUE(judge.alerts().read()->empty());
}

TEST_F(JudgeTest, HoldsProblemsBackUntilThereIsAReceiver) {
  judge.set_router({});
  use(memory_rule);
  auto report = after(5s, 90);
  ASSERT_EQ(report.events.size(), 1u);
  EXPECT_EQ(report.events[0].suppressed, Suppression::no_receiver);
  EXPECT_EQ(dispatcher.queued(), 0u);
  judge.set_router(std::vector<std::string>{"oncall"});
  report = judged();
  ASSERT_EQ(report.events.size(), 1u);
  EXPECT_TRUE(report.events[0].sent);
  EXPECT_EQ(dispatcher.queued(), 1u);
}

TEST_F(JudgeTest, SavesEveryAlertAndTheTimeAtTheEnd) {
  use(memory_rule);
  after(5s, 90);
  now += 1h;
  boot.boot_time_ms += 3'600'000;
  ASSERT_TRUE(judge.save(now, 0ms));
  const Loaded found = as_after_a_crash();
  ASSERT_TRUE(found.saved);
  EXPECT_EQ(found.saved->time, now);
  EXPECT_EQ(found.saved->boot.boot_time_ms, 3'605'000);
  EXPECT_EQ(found.states.size(), 1u);
}

TEST(JudgeOnAFullDisk, SaysOnceThatACommitFailedAndStillSendsTheMessages) {
  TempDir directory;
  Outbox outbox = open(directory.path(), {.max_bytes = 128 << 10, .ballast_bytes = 0});
  Loaded loaded = outbox.load().value();
  Time now = start_of_test;
  Dispatcher dispatcher{outbox, loaded, {{"oncall", "", 10'000}}, [] { return 0.5; }, now};
  Catalog catalog{Catalog::Limits{}, Labels{}};
  Store store{catalog, Store::Limits{}};
  Judge judge{Engine(rules_of(memory_rule), {}), dispatcher, catalog, store};
  judge.set_router(std::vector<std::string>{"oncall"});
  const SourceId source = store.add_source("memory");
  std::vector<SeriesHandle> handles;
  std::vector<std::string> problems;
  std::size_t messages = 0;
  for (int tick = 0; tick < 40; ++tick) {  // ten more alerts each time, about a kilobyte each
    now += 5s;
    Batch batch;
    for (int i = 0; i < 10; ++i) {
      handles.push_back(catalog.series(Metric{"memory", MetricType::gauge, "", "Of the test."},
                                       {{"instance", std::to_string(tick * 10 + i)}}));
    }
    for (const auto& handle : handles) batch.add(handle, 90);
    store.append(source, now, batch);
    const auto report = judge.judge(now, 0ms);
    messages += report.events.size();
    problems.insert(problems.end(), report.problems.begin(), report.problems.end());
  }
  EXPECT_TRUE(outbox.statistics().degraded);
  EXPECT_GT(outbox.statistics().failed_commits, 1);
  EXPECT_EQ(problems.size(), 1u) << (problems.empty() ? "" : problems.back());
  EXPECT_EQ(messages, 400u);
  EXPECT_EQ(dispatcher.queued(), 400u);
  EXPECT_EQ(judge.alerts().read()->size(), 400u);
}

SavedAt saved_at(Time time, Duration wall_step, BootPosition boot) { return {time, wall_step, std::move(boot)}; }

TEST(TimeAway, IsWhatTheKernelsClockSaysOnTheSameBoot) {
  const auto saved = saved_at(start_of_test, 0ms, {"boot", 100'000});
  EXPECT_EQ(time_away(saved, {"boot", 160'000}, start_of_test + 1min), 1min);
  EXPECT_EQ(time_away(saved, {"boot", 160'000}, start_of_test - 24h), 1min) << "the wall clock was set back";
  EXPECT_EQ(time_away(saved, {"boot", 160'000}, start_of_test + 24h), 1min);
}

TEST(TimeAway, IsWhatTheWallClockSaysAfterAReboot) {
  const auto saved = saved_at(start_of_test, 0ms, {"one boot", 100'000});
  EXPECT_EQ(time_away(saved, {"another", 10}, start_of_test + 1min), 1min);
  EXPECT_EQ(time_away(saved, {"", 10}, start_of_test + 1min), 1min);
  const auto moved = saved_at(start_of_test, 2h, {"one boot", 100'000});
  EXPECT_EQ(time_away(moved, {"another", 10}, start_of_test + 2h + 1min), 1min) << "the old clock had been set";
}

TEST(TimeAway, BeginsWithTheLatestTimeOfTheAlertsWhenNoneWasSaved) {
  Alert alert;
  alert.rule = "A";
  alert.key = alert_key(alert.rule, alert.entity);
  alert.state.level = Level::critical;
  alert.state.fired_at = start_of_test;
  alert.state.warning.left = start_of_test + 40s;
  alert.contact.last_problem = start_of_test + 20s;
  Loaded loaded;
  const Time now = start_of_test + 100s;
  EXPECT_EQ(last_life(loaded, now).time, now);
  loaded.states = {{alert.key, encode(alert)}, {"damaged", "?"}};
  const SavedAt life = last_life(loaded, now);
  EXPECT_EQ(life.time, start_of_test + 40s);
  EXPECT_EQ(time_away(life, {"boot", 5}, now), 60s);
  loaded.saved = SavedAt{start_of_test + 90s, Duration(0), {}};
  EXPECT_EQ(last_life(loaded, now).time, start_of_test + 90s);
}

TEST(TimeAway, IsNeverNegative) {
  const auto saved = saved_at(start_of_test, 0ms, {"boot", 100'000});
  EXPECT_EQ(time_away(saved, {"another", 10}, start_of_test - 1h), 0ms);
  EXPECT_EQ(time_away(saved, {"boot", 99'000}, start_of_test), 0ms);
}

TEST(TimeAway, TrustsNoBootWithoutAName) {
  const auto saved = saved_at(start_of_test, 0ms, {"", 100'000});
  EXPECT_EQ(time_away(saved, {"", 900'000}, start_of_test + 1min), 1min);
}

}  // namespace
}  // namespace sidewatch
