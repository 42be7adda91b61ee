#include "agent/loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <mutex>

#include "tests/agent/loop_world.h"
#include "tests/agent/no_threads.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr const char* memory_rule = R"(
rules:
  - alert: MemoryHigh
    expr: memory
    warning: {above: 80}
)";

constexpr const char* delayed_rule = R"(
rules:
  - alert: MemoryHigh
    expr: memory
    warning: {above: 80}
    for: 30s
)";

using Value = std::shared_ptr<std::atomic<double>>;
Value value_of(double value) { return std::make_shared<std::atomic<double>>(value); }

// Takes everything, and says what it took.
struct Inbox {
  ReceiverPlan plan(const std::string& name, const std::string& fingerprint = "") {
    return receiver_plan(
        name,
        [this](const Notification& notification) -> Attempt {
          const std::lock_guard lock(mutex);
          reasons.emplace_back(to_string(notification.reason));
          return Delivered{};
        },
        fingerprint);
  }
  std::vector<std::string> taken() const {
    const std::lock_guard lock(mutex);
    return reasons;
  }
  mutable std::mutex mutex;
  std::vector<std::string> reasons;
};
using Reasons = std::vector<std::string>;

Settings settings_of(std::vector<CollectorPlan> collectors, const char* rules, std::vector<ReceiverPlan> receivers) {
  Settings settings;
  settings.collectors = std::move(collectors);
  settings.rule_groups = rules_of(rules);
  settings.receivers = std::move(receivers);
  return settings;
}

SettingsRead read_again(Settings settings) { return {std::make_shared<Settings>(std::move(settings))}; }

TEST(Loop, SendsAMessageInTheRoundThatTakesTheSampleIn) {
  Inbox inbox;
  LoopWorld world(Outbox::in_memory(), settings_of({gauge_plan("memory", value_of(90))}, memory_rule, {inbox.plan("oncall")}));
  world.tick();  // starts the pass
  EXPECT_EQ(world.deliveries.in_flight(), 0u);
  world.tick_with_message();  // its samples, the rule, the message
  EXPECT_EQ(shown(world.store, "memory"), 90);
  EXPECT_EQ(world.deliveries.in_flight(), 1u);
  world.tick_with_message();  // the answer
  EXPECT_EQ(world.deliveries.in_flight(), 0u);
  EXPECT_EQ(inbox.taken(), Reasons{"fired"});
  world.tick_a_second_later();
  EXPECT_EQ(world.own("sidewatch_notifications_delivered_total", {{"receiver", "oncall"}}), 1);
  EXPECT_EQ(world.own("sidewatch_notifications_pending", {{"receiver", "oncall"}}), 0);
  EXPECT_EQ(world.own("sidewatch_alerts_firing", {{"level", "warning"}}), 1);
  EXPECT_THAT(world.logged(), HasSubstr("msg=\"alert fired\" alert=MemoryHigh level=warning value=90 sent=fired"));
}

TEST(Loop, IsReadyOnceEveryCollectorWasReadOnce) {
  Gate gate;
  auto slow = collector_plan("slow", [&gate](const CollectorContext&) -> Pass {
    return [&gate](Batch&, Time) -> Result<PassOutcome> {
      EXPECT_TRUE(gate.pass());
      return Error{"refused", ""};
    };
  });
  LoopWorld world(Outbox::in_memory(), settings_of({gauge_plan("memory", value_of(1)), slow}, "rules: []", {}));
  world.tick();
  world.tick_with_message();
  EXPECT_FALSE(world.ready);
  gate.open();
  world.tick_with_message();
  EXPECT_TRUE(world.ready) << "a failed pass counts";
  EXPECT_THAT(world.logged(), HasSubstr("level=warn msg=\"collector failed\" collector=slow why=refused"));
}

TEST(Loop, WakesWhenACollectorIsDueAndAtLeastOnceASecond) {
  LoopWorld world(Outbox::in_memory(), settings_of({gauge_plan("memory", value_of(1))}, "rules: []", {}));
  EXPECT_EQ(world.tick(), start_of_test + 1s) << "the collector is due in five";
  world.clock.advance(4700ms);
  EXPECT_EQ(world.tick(), start_of_test + 5s);
}

TEST(Loop, JudgesWhenADelayIsOverAlthoughNoSampleArrives) {
  Inbox inbox;
  auto settings = settings_of({gauge_plan("memory", value_of(90))}, delayed_rule, {inbox.plan("oncall")});
  settings.agent.interval = 1h;
  LoopWorld world(Outbox::in_memory(), std::move(settings));
  world.tick();
  world.tick_with_message();
  world.live_on(28s);
  world.clock.advance(1s);
  EXPECT_EQ(world.tick(), start_of_test + 30s);
  EXPECT_EQ(world.deliveries.in_flight(), 0u);
  world.clock.advance(1s);
  world.tick();
  EXPECT_EQ(world.deliveries.in_flight(), 1u);
}

TEST(Loop, CountsNoDelayWhileTheMachineSleeps) {
  auto settings = settings_of({gauge_plan("memory", value_of(90))}, delayed_rule, {});
  settings.agent.interval = 1h;
  LoopWorld world(Outbox::in_memory(), std::move(settings));
  world.tick();
  world.tick_with_message();
  world.live_on(20s);
  world.clock.advance(2min);
  world.live_on(9s);
  ASSERT_EQ(world.judge.alerts().read()->size(), 1u);
  EXPECT_FALSE(world.judge.alerts().read()->front().firing) << "it was seen over the threshold for 28 s";
  world.live_on(2s);
  EXPECT_TRUE(world.judge.alerts().read()->front().firing);
}

TEST(Loop, JudgesThatTheOnlyCollectorHangsThoughNoSampleEverArrives) {
  Gate gate;
  auto hanging = collector_plan("nfs", [&gate](const CollectorContext&) -> Pass {
    return [&gate](Batch&, Time) -> Result<PassOutcome> {
      EXPECT_TRUE(gate.pass());
      return PassOutcome{};
    };
  });
  constexpr const char* rule = "rules: [{alert: Failing, expr: sidewatch_collector_success, critical: '< 1'}]";
  LoopWorld world(Outbox::in_memory(), settings_of({hanging}, rule, {}));
  world.tick();
  world.live_on(20s);
  ASSERT_EQ(world.judge.alerts().read()->size(), 1u);
  EXPECT_EQ(world.judge.alerts().read()->front().labels.get("collector"), "nfs");
  gate.open();
}

TEST(Loop, BeatsItsHeartInEveryRound) {
  LoopWorld world(Outbox::in_memory(), settings_of({}, "rules: []", {}));
  const Duration before = world.heartbeat.age();
  world.tick();
  EXPECT_LT(world.heartbeat.age(), std::min<Duration>(before, 10s));
}

TEST(Loop, FiresNothingAndResolvesNothingWhenTheWallClockIsSet) {
  Inbox inbox;
  const auto value = value_of(90);
  LoopWorld world(Outbox::in_memory(), settings_of({gauge_plan("memory", value)}, delayed_rule, {inbox.plan("oncall")}));
  world.tick();
  world.tick_with_message();
  world.clock.set_wall(48h);
  world.tick();
  EXPECT_EQ(world.deliveries.in_flight(), 0u) << "30 s of crossing have not gone by";
  world.live_on(29s);
  world.clock.advance(1s);
  world.tick();
  world.tick_with_message();
  world.clock.set_wall(-96h);
  world.clock.advance(5s);
  world.tick();
  world.tick_with_message();
  world.tick();
  EXPECT_EQ(world.judge.alerts().read()->size(), 1u);
  EXPECT_TRUE(world.judge.alerts().read()->front().firing);
  EXPECT_LE(inbox.taken().size(), 1u);
  EXPECT_EQ(world.own("sidewatch_wall_clock_step_seconds"), -48 * 3600);
}

TEST(Loop, PutsAReloadIntoForceAndJudgesAtOnce) {
  Inbox inbox;
  const auto memory = gauge_plan("memory", value_of(90));
  LoopWorld world(Outbox::in_memory(), settings_of({memory}, "rules: []", {inbox.plan("oncall")}));
  world.tick();
  world.tick_with_message();
  EXPECT_EQ(world.deliveries.in_flight(), 0u);
  world.tell(read_again(settings_of({memory, gauge_plan("disk", value_of(1))}, memory_rule, {inbox.plan("chat")})));
  world.tick();
  EXPECT_EQ(world.deliveries.in_flight(), 1u) << "no new sample is needed";
  EXPECT_EQ(world.collectors.size(), 2u);
  EXPECT_EQ(world.dispatcher.statuses().at(0).name, "chat");
  EXPECT_EQ(world.own("sidewatch_config_last_reload_successful"), 1);
  EXPECT_EQ(world.own("sidewatch_config_last_reload_success_timestamp_seconds"),
            to_seconds(start_of_test.time_since_epoch()));
  EXPECT_THAT(world.logged(), HasSubstr("msg=\"the configuration was read again\" rules=1 collectors=2 receivers=1"));
}

TEST(Loop, WarnsAfterAReloadOfAReceiverThatTrustsAnybody) {
  Inbox inbox;
  LoopWorld world(Outbox::in_memory(), settings_of({}, "rules: []", {}));
  auto careless = inbox.plan("oncall");
  careless.warning = "it trusts anybody";
  world.tell(read_again(settings_of({}, "rules: []", {careless})));
  world.tick();
  EXPECT_THAT(world.logged(), HasSubstr("level=warn msg=\"it trusts anybody\" receiver=oncall"));
}

TEST(Loop, CountsWhatAReloadTookAwayFromAReceiver) {
  Inbox inbox;
  const auto memory = gauge_plan("memory", value_of(90));
  const auto unreachable = receiver_plan("oncall", [](const Notification&) -> Attempt {
    return RetryLater{"HTTP 500", std::chrono::hours(1), false, false};
  });
  LoopWorld world(Outbox::in_memory(), settings_of({memory}, memory_rule, {unreachable}));
  world.tick();
  while (world.own("sidewatch_notifications_failed_attempts_total", {{"receiver", "oncall"}}) != 1) {
    world.clock.advance(std::chrono::seconds(1));
    world.tick_with_message();
  }
  world.tell(read_again(settings_of({memory}, memory_rule, {inbox.plan("chat")})));
  for (int i = 0; i < 2; ++i) {
    world.clock.advance(std::chrono::seconds(1));
    world.tick();
  }
  EXPECT_EQ(world.own("sidewatch_notifications_dropped_total", {{"receiver", "oncall"}}), 1);
  EXPECT_EQ(world.own("sidewatch_notifications_pending", {{"receiver", "oncall"}}), 0);
  EXPECT_EQ(world.own("sidewatch_dead_letters"), 1);
}

TEST(Loop, GoesOnWithTheOldConfigurationWhenTheNewOneIsWrong) {
  Inbox inbox;
  LoopWorld world(Outbox::in_memory(), settings_of({gauge_plan("memory", value_of(90))}, memory_rule, {inbox.plan("oncall")}));
  world.tell(SettingsRead{Error{"sidewatch.yaml:3:1: unknown key 'rule'", ""}});
  world.tick();
  EXPECT_EQ(world.own("sidewatch_config_last_reload_successful"), 0);
  world.tick_with_message();
  EXPECT_EQ(world.deliveries.in_flight(), 1u) << "the old rule for the old receiver";
  const std::string log = world.logged();
  EXPECT_THAT(log, HasSubstr("level=error msg=\"the configuration was not taken, the old one goes on\""));
  EXPECT_THAT(log, HasSubstr("sidewatch.yaml:3:1: unknown key 'rule'"));
}

TEST(Loop, GoesOnWhenAReloadAsksForThreadsThatTheMachineDoesNotHave) {
  Inbox inbox;
  const auto memory = gauge_plan("memory", value_of(90));
  LoopWorld world(Outbox::in_memory(), settings_of({memory}, memory_rule, {inbox.plan("oncall")}));
  world.tick();
  world.tick_with_message();
  {
    const NoThreads none;
    world.tell(read_again(settings_of({memory, gauge_plan("disk", value_of(1))}, memory_rule,
                                      {inbox.plan("oncall"), inbox.plan("chat")})));
    world.tick();
    world.clock.advance(std::chrono::minutes(1));
    world.tick();
    EXPECT_EQ(world.own("sidewatch_config_last_reload_successful"), 1);
    EXPECT_EQ(shown(world.store, "sidewatch_collector_success", {{"collector", "disk"}}), 0);
  }
  EXPECT_THAT(world.logged(), HasSubstr("level=warn msg=\"collector failed\" collector=disk "
                                        "why=\"cannot start a thread: Resource temporarily unavailable\""));
}

TEST(Loop, SaysWhatOfAReloadNeedsARestart) {
  LoopWorld world(Outbox::in_memory(), settings_of({}, "rules: []", {}));
  auto changed = settings_of({}, "rules: []", {});
  changed.agent.state_dir = "/var/lib/elsewhere";
  world.tell(read_again(std::move(changed)));
  world.tick();
  EXPECT_THAT(world.logged(), HasSubstr("msg=\"this change needs a restart to take effect\" key=agent.state_dir"));
}

TEST(Loop, ResolvesWhatAReloadTookTheRuleAwayFrom) {
  Inbox inbox;
  const auto memory = gauge_plan("memory", value_of(90));
  LoopWorld world(Outbox::in_memory(), settings_of({memory}, memory_rule, {inbox.plan("oncall")}));
  world.tick();
  world.tick_with_message();
  world.tick_with_message();
  world.tell(read_again(settings_of({memory}, "rules: []", {inbox.plan("oncall")})));
  world.tick();
  world.tick_with_message();
  EXPECT_EQ(inbox.taken(), (Reasons{"fired", "rule_removed"}));
}

TEST(Loop, ForgetsWhatWaitsForAReceiverThatAReloadTookAway) {
  const auto refusing = receiver_plan("oncall", [](const Notification&) -> Attempt {
    return RetryLater{"HTTP 503", std::nullopt, false, false};
  });
  const auto memory = gauge_plan("memory", value_of(90));
  LoopWorld world(Outbox::in_memory(), settings_of({memory}, memory_rule, {refusing}));
  world.tick();
  world.tick_with_message();
  world.tick_with_message();
  world.tick_a_second_later();
  EXPECT_EQ(world.own("sidewatch_notifications_pending", {{"receiver", "oncall"}}), 1);
  world.tell(read_again(settings_of({memory}, memory_rule, {})));
  world.tick();
  world.tick_a_second_later();
  EXPECT_EQ(world.own("sidewatch_notifications_pending", {{"receiver", "oncall"}}), 0);
  EXPECT_THAT(world.logged(), HasSubstr("msg=\"delivery failed, it will be tried again\" receiver=oncall"));
}

TEST(Loop, RunsUntilItIsToldToStop) {
  Inbox inbox;
  LoopWorld world(Outbox::in_memory(), settings_of({gauge_plan("memory", value_of(90))}, memory_rule, {inbox.plan("oncall")}));
  world.tell(StopRequest{});
  world.loop.run();
  EXPECT_TRUE(world.loop.shut_down(patience));
  EXPECT_TRUE(world.mailbox->closed());
}

TEST(Loop, RunsByItselfFromSampleToMessage) {
  Inbox inbox;
  LoopWorld world(Outbox::in_memory(), settings_of({gauge_plan("memory", value_of(90))}, memory_rule, {inbox.plan("oncall")}));
  const auto give_up = std::chrono::steady_clock::now() + patience;
  world.loop.run([&] {
    return world.dispatcher.statuses().at(0).delivered == 1 || std::chrono::steady_clock::now() > give_up;
  });
  EXPECT_EQ(inbox.taken(), Reasons{"fired"});
}

TEST(Loop, SavesTheStateAndDeliversWhatIsDueWhenItEnds) {
  TempDir directory;
  Inbox inbox;
  {
    LoopWorld world(Outbox::open(directory.path()).value(),
                    settings_of({gauge_plan("memory", value_of(90))}, memory_rule, {inbox.plan("oncall")}));
    world.tick();
    world.tick_with_message();
    world.clock.advance(10min);
    EXPECT_TRUE(world.loop.shut_down(patience));
    EXPECT_EQ(inbox.taken(), Reasons{"fired"});
  }
  auto outbox = Outbox::open(directory.path()).value();
  const Loaded found = outbox.load().value();
  EXPECT_EQ(found.states.size(), 1u);
  EXPECT_TRUE(found.pending.empty()) << "its delivery was recorded";
  ASSERT_TRUE(found.saved);
  EXPECT_EQ(found.saved->time, start_of_test + 10min);
}

TEST(Loop, InterruptsADeliveryThatOutlastsTheEndAndKeepsItsMessage) {
  TempDir directory;
  {
    Gate interrupted;
    const auto hanging = receiver_plan(
        "oncall",
        [&interrupted](const Notification&) -> Attempt {
          EXPECT_TRUE(interrupted.pass());
          return RetryLater{"interrupted", std::nullopt, false, false};
        },
        "", [&interrupted] { interrupted.open(); });
    LoopWorld world(Outbox::open(directory.path()).value(),
                    settings_of({gauge_plan("memory", value_of(90))}, memory_rule, {hanging}));
    world.tick();
    world.tick_with_message();
    EXPECT_TRUE(world.loop.shut_down(0ms));
  }
  auto outbox = Outbox::open(directory.path()).value();
  const Loaded found = outbox.load().value();
  ASSERT_EQ(found.pending.size(), 1u);
  EXPECT_EQ(found.pending[0].attempts, 1);
}

TEST(Loop, EndsThoughACollectorIsBlockedAndSaysSo) {
  const auto entered = std::make_shared<Gate>();
  const auto gate = std::make_shared<Gate>();
  const auto fifo = collector_plan("fifo", [entered, gate](const CollectorContext&) -> Pass {
    return [entered, gate](Batch&, Time) -> Result<PassOutcome> {
      entered->open();
      EXPECT_TRUE(gate->pass());
      return PassOutcome{};
    };
  });
  auto world = std::make_unique<LoopWorld>(Outbox::in_memory(), settings_of({}, "rules: []", {}));
  CollectorSet blocked{CollectorContext{world->catalog, nullptr, nullptr, "1"}, world->store, world->mailbox};
  blocked.configure({fifo}, 5s, start_of_test);
  Loop loop({world->clock, world->log, world->store, world->outbox, world->dispatcher, world->judge, blocked,
             world->deliveries, world->own_metrics, world->heartbeat, world->ready, world->systemd},
            world->settings, world->mailbox);
  loop.tick(start_of_test);
  ASSERT_TRUE(entered->pass());
  EXPECT_FALSE(loop.shut_down(0ms));
  gate->open();
}

TEST(Loop, StartsNothingNewForAReloadThatArrivesWhileItEnds) {
  Inbox inbox;
  Gate gate, entered;
  const auto slow = receiver_plan("oncall", [&](const Notification&) -> Attempt {
    entered.open();
    EXPECT_TRUE(gate.pass());
    return Delivered{};
  });
  const auto memory = gauge_plan("memory", value_of(90));
  LoopWorld world(Outbox::in_memory(), settings_of({memory}, memory_rule, {slow}));
  world.tick();
  world.tick_with_message();
  ASSERT_TRUE(entered.pass());
  world.tell(read_again(settings_of({memory, gauge_plan("disk", value_of(1))}, memory_rule, {slow, inbox.plan("chat")})));
  gate.open();
  EXPECT_TRUE(world.loop.shut_down(patience)) << "every thread ended";
  EXPECT_EQ(world.collectors.size(), 1u);
  EXPECT_THAT(world.logged(), Not(HasSubstr("was read again")));
}

}  // namespace
}  // namespace sidewatch
