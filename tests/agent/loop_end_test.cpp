// How the loop ends: what is delivered and saved before, and what is left behind.
#include "agent/loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/agent/loop_world.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

TEST(Loop, RunsUntilItIsToldToStop) {
  Inbox inbox;
  LoopWorld world(Outbox::in_memory(), settings_of({gauge_plan("memory", value_of(90))}, memory_rule, {inbox.plan("oncall")}));
  world.tell(StopRequest{});
  world.loop.run();
  EXPECT_TRUE(world.loop.shut_down(patience));
  EXPECT_TRUE(world.mailbox->closed());
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
