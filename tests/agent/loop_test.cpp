#include "agent/loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/agent/loop_world.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr const char* delayed_rule = R"(
rules:
  - alert: MemoryHigh
    expr: memory
    warning: {above: 80}
    for: 30s
)";

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

// Rounds until `metric` of `receiver` is 1: what its thread answers comes when it comes.
void live_until_one(LoopWorld& world, const std::string& metric, const std::string& receiver) {
  const auto give_up = std::chrono::steady_clock::now() + 20s;
  while (world.own(metric, {{"receiver", receiver}}) != 1 && std::chrono::steady_clock::now() < give_up) {
    world.tick_a_second_later();
    std::this_thread::yield();
  }
  EXPECT_EQ(world.own(metric, {{"receiver", receiver}}), 1) << metric;
}

TEST(Loop, LogsThatAFallbackStandsInForWhatIsNotTriedAgain) {
  auto refusing = receiver_plan("pager", [](const Notification&) -> Attempt { return RetryLater{"HTTP 403", 5min, true, true}; });
  refusing.fallback = "chat";
  Inbox inbox;
  LoopWorld world(Outbox::in_memory(),
                  settings_of({gauge_plan("memory", value_of(90))}, memory_rule, {refusing, inbox.plan("chat")}));
  live_until_one(world, "sidewatch_notifications_rejected_total", "pager");
  const std::string log = world.logged();
  EXPECT_THAT(log, HasSubstr("level=error msg=\"delivery refused for good, the message is in the dead letters\" receiver=pager"));
  EXPECT_THAT(log, HasSubstr("why=\"HTTP 403\" fallback=chat"));
  EXPECT_THAT(log, testing::Not(HasSubstr("it will be tried again")));
}

TEST(Loop, LogsThatAReceiverTakesMessagesAgain) {
  std::atomic<int> attempts{0};
  const auto away_once = receiver_plan("oncall", [&attempts](const Notification&) -> Attempt {
    if (attempts++ == 0) return RetryLater{"HTTP 503", std::nullopt, false, false};
    return Delivered{};
  });
  LoopWorld world(Outbox::in_memory(), settings_of({gauge_plan("memory", value_of(90))}, memory_rule, {away_once}));
  live_until_one(world, "sidewatch_notifications_delivered_total", "oncall");
  const std::string log = world.logged();
  EXPECT_THAT(log, HasSubstr("msg=\"delivery failed, it will be tried again\" receiver=oncall"));
  EXPECT_THAT(log, HasSubstr("level=info msg=\"the receiver takes messages again\" receiver=oncall"));
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

TEST(Loop, TakesInAtOnceWhatCollectorsThatWereStartedTogetherSay) {
  LoopWorld world(Outbox::in_memory(),
                  settings_of({gauge_plan("memory", value_of(1)), gauge_plan("disk", value_of(2))}, "rules: []", {}));
  std::vector<Duration> naps;
  world.clock.meanwhile = [&](Duration nap) {
    naps.push_back(nap);
    std::vector<Message> said;
    for (int collector = 0; collector < 2; ++collector) {
      auto message = world.mailbox->take(patience);
      ASSERT_TRUE(message) << "a collector said nothing";
      said.push_back(std::move(*message));
    }
    for (auto& message : said) world.tell(std::move(message));
    EXPECT_EQ(shown(world.store, "memory"), std::nullopt) << "nothing is taken in before both have spoken";
    world.tell(StopRequest{});
  };
  world.loop.run();
  EXPECT_EQ(shown(world.store, "memory"), 1);
  EXPECT_EQ(shown(world.store, "disk"), 2) << "in the same round";
  EXPECT_EQ(naps, std::vector<Duration>{2ms}) << "only in the round that started them";
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

TEST(Loop, RunsByItselfFromSampleToMessage) {
  Inbox inbox;
  LoopWorld world(Outbox::in_memory(), settings_of({gauge_plan("memory", value_of(90))}, memory_rule, {inbox.plan("oncall")}));
  const auto give_up = std::chrono::steady_clock::now() + patience;
  world.loop.run([&] {
    return world.dispatcher.statuses().at(0).delivered == 1 || std::chrono::steady_clock::now() > give_up;
  });
  EXPECT_EQ(inbox.taken(), Reasons{"fired"});
}

}  // namespace
}  // namespace sidewatch
