// What a reload does while the loop runs: what stays, what ends, and what is said of it.
#include "agent/loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent/loop_world.h"
#include "tests/agent/no_threads.h"

namespace sidewatch {
namespace {

using testing::HasSubstr;

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

}  // namespace
}  // namespace sidewatch
