// The engine and the dispatcher together while messages are held back: what is told afterwards is what is the case then.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "alerting/dispatcher.h"
#include "alerting/outbox.h"
#include "tests/alerting/rules/engine_world.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view memory_rule = R"yaml(
rules:
  - alert: MemoryHigh
    expr: memory
    warning: {above: 80, clear: 75}
    critical: {above: 95, clear: 90}
    cooldown: 1h
    summary: "Memory at {{ $value | humanize }}%"
)yaml";

class EngineHold : public testing::Test {
 protected:
  EngineHold() {
    dispatcher.set_hold_back([this](const Notification&, Time) { return held_until; });
    dispatcher.set_renew([this](Notification& message, Time now) {
      renew_times(message, to_wall(now, world.wall_step));
      renewed = world.engine.renew(message, world.store, now);
    });
  }

  // What is told once the value has come: "reason level summary".
  std::vector<std::string> told_after(int seconds, double value) {
    const TickResult tick = world.after(seconds, "memory", value);
    EXPECT_TRUE(dispatcher.enqueue(tick.notifications, {}, world.now));
    for (const auto& end : dispatcher.take_unheard()) world.engine.unheard(end);
    return told();
  }
  std::vector<std::string> told() {
    std::vector<std::string> told;
    for (const auto& delivery : dispatcher.due(world.now)) {
      last = delivery.first();
      told.push_back(std::string(to_string(last.reason)) + " " + std::string(to_string(last.level)) + " " +
                     std::string(last.annotations.get("summary")));
      EXPECT_TRUE(dispatcher.finished(delivery.receiver, delivery.id, Delivered{}, world.now, to_wall(world.now, {})));
    }
    return told;
  }

  World world{memory_rule};
  Outbox outbox = Outbox::in_memory();
  Loaded loaded = outbox.load().value();
  Dispatcher dispatcher{outbox, loaded, {{"oncall", "", 100}}, [] { return 0.5; }, world.now};
  std::optional<Time> held_until;
  bool renewed = false;
  Notification last;
};

TEST_F(EngineHold, WhatStillFiresAfterwardsIsToldAsItIsThen) {
  world.wall_step = 10s;
  held_until = world.now + 24h;
  EXPECT_THAT(told_after(10, 97), IsEmpty());
  EXPECT_THAT(told_after(4 * 3600, 99.5), IsEmpty());
  held_until.reset();
  EXPECT_THAT(told_after(3600, 96), ElementsAre("fired critical Memory at 96%"));
  EXPECT_EQ(last.value, 96);
  EXPECT_EQ(last.peak, 99.5);
  EXPECT_EQ(last.duration, 5h);
  EXPECT_EQ(last.created_at, to_wall(world.now, world.wall_step));
  EXPECT_EQ(last.recent.size(), 24U);
  EXPECT_EQ(last.recent.back(), 96);
  EXPECT_TRUE(renewed);
}

TEST_F(EngineHold, WhatIsAtAnotherLevelByThenIsLeftToTheMessageAboutThat) {
  held_until = world.now + 24h;
  EXPECT_THAT(told_after(10, 97), IsEmpty());
  EXPECT_THAT(told_after(10, 85), IsEmpty());  // the cooldown holds the update back
  held_until.reset();
  EXPECT_THAT(told_after(10, 84), ElementsAre("fired critical Memory at 97%"));
  EXPECT_FALSE(renewed);
  EXPECT_EQ(last.duration, 20s);
  EXPECT_THAT(told_after(3600, 84), ElementsAre("deescalated warning Memory at 84%"));
}

TEST_F(EngineHold, AMessageAboutAnotherIncidentIsLeftAlone) {
  told_after(10, 97);
  Notification other = last;
  other.incident += "-other";
  EXPECT_FALSE(world.engine.renew(other, world.store, world.now));
  other = last;
  other.alert_key = "of nothing";
  EXPECT_FALSE(world.engine.renew(other, world.store, world.now));
  told_after(10, 50);
  EXPECT_FALSE(world.engine.renew(last, world.store, world.now)) << "it is over";
}

TEST_F(EngineHold, NoCooldownRunsForWhatNobodyHeardOf) {
  held_until = world.now + 24h;
  EXPECT_THAT(told_after(10, 85), IsEmpty());
  EXPECT_THAT(told_after(10, 50), IsEmpty());
  held_until.reset();
  EXPECT_THAT(told_after(10, 85), ElementsAre("fired warning Memory at 85%"));
}

TEST_F(EngineHold, TheCooldownOfWhatWasToldBeforeGoesOn) {
  EXPECT_THAT(told_after(10, 85), ElementsAre("fired warning Memory at 85%"));
  told_after(10, 50);
  held_until = world.now + 24h;
  EXPECT_THAT(told_after(10, 97), IsEmpty()) << "worse than what was told: no cooldown holds it back";
  EXPECT_THAT(told_after(10, 50), IsEmpty());
  told_after(10, 50);
  world.restart(memory_rule, 5);
  held_until.reset();
  EXPECT_THAT(told_after(10, 85), IsEmpty());
  EXPECT_THAT(told_after(3535, 85), IsEmpty());
  EXPECT_THAT(told_after(20, 85), ElementsAre("repeated warning Memory at 85%"));
}

TEST_F(EngineHold, ACooldownRunsWhenOneOfTheReceiversHeardOfIt) {
  world.router = std::vector<std::string>{"oncall", "chat"};
  ASSERT_TRUE(dispatcher.reload({{"oncall", "", 100}, {"chat", "", 100}}, world.now, to_wall(world.now, {})));
  dispatcher.set_hold_back([this](const Notification& message, Time) {
    return message.receiver == "chat" ? held_until : std::nullopt;
  });
  held_until = world.now + 24h;
  EXPECT_THAT(told_after(10, 85), ElementsAre("fired warning Memory at 85%"));
  EXPECT_THAT(told_after(10, 50), ElementsAre("resolved ok Memory at 50%"));
  held_until.reset();
  EXPECT_THAT(told_after(10, 85), IsEmpty());
}

}  // namespace
}  // namespace sidewatch
