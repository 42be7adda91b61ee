// What is held back by silences and mute intervals: who is told when, and of what never.

#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "tests/alerting/delivery/dispatcher_fixture.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class DispatcherHoldTest : public DispatcherTest {
 protected:
  DispatcherHoldTest() { ask(); }
  void ask() {
    dispatcher_->set_hold_back([this](const Notification& notification, Time now) -> std::optional<Time> {
      const auto held = held_.find(notification.alert_key);
      if (held == held_.end() || held->second <= now) return std::nullopt;
      return held->second;
    });
  }
  void hold(const std::string& alert, Duration length) { held_[alert] = now_ + length; }
  void pass(Duration time) { now_ += time; }
  void route(const NotificationOf& of, const std::vector<std::string>& mute) {
    Notification notification = make_notification(of);
    notification.routing.mute = mute;
    ASSERT_TRUE(dispatcher_->enqueue({notification}, {}, now_));
  }
  void follow_up(const NotificationOf& of) {
    Notification notification = make_notification(of);
    notification.routing.follow_up = true;
    ASSERT_TRUE(dispatcher_->enqueue({notification}, {}, now_));
  }

  std::map<std::string, Time> held_;  // alerts, until when
};

TEST_F(DispatcherHoldTest, TellsOnceWhatStillFiresWhenTheHoldEnds) {
  hold("a1", 10min);
  enqueue({.id = "n1", .level = Level::warning});
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_EQ(status().held, 1U);
  EXPECT_EQ(dispatcher_->next_due(), now_ + 10min);
  pass(5min);
  enqueue({.id = "n2", .reason = Reason::escalated, .level = Level::critical});
  EXPECT_THAT(due(), IsEmpty());
  pass(5min);
  EXPECT_THAT(due(), ElementsAre("n2"));
  EXPECT_EQ(only().reason, Reason::fired);
  EXPECT_EQ(only().level, Level::critical);
  deliver("n2");
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_EQ(status().held, 0U);
}

TEST_F(DispatcherHoldTest, NeverTellsWhatBeganAndEndedMeanwhile) {
  hold("a1", 10min);
  enqueue({.id = "n1"});
  pass(1min);
  enqueue({.id = "n2", .reason = Reason::resolved});
  EXPECT_EQ(status().queued, 0U);
  EXPECT_EQ(status().silenced, 1);
  EXPECT_THAT(on_disk(), IsEmpty());
  pass(20min);
  EXPECT_THAT(due(), IsEmpty());
}

TEST_F(DispatcherHoldTest, TellsTheEndOfWhatWasToldWhateverIsHeld) {
  enqueue({.id = "n1"});
  EXPECT_THAT(due(), ElementsAre("n1"));
  deliver("n1");
  hold("a1", 10min);
  enqueue({.id = "n2", .reason = Reason::escalated, .level = Level::critical});
  EXPECT_THAT(due(), IsEmpty());
  enqueue({.id = "n3", .reason = Reason::resolved, .level = Level::critical});
  EXPECT_THAT(due(), ElementsAre("n3"));
  EXPECT_EQ(only().reason, Reason::resolved);
}

TEST_F(DispatcherHoldTest, TellsTheEndOfWhatMayHaveArrivedWhateverIsHeld) {
  enqueue({.id = "n1"});
  due();
  finish("n1", timed_out);  // it may be with the receiver, and only the answer lost
  hold("a1", 1h);
  pass(10min);
  EXPECT_THAT(due(), IsEmpty());
  enqueue({.id = "n2", .reason = Reason::resolved});
  EXPECT_THAT(due(), ElementsAre("n2"));
  EXPECT_EQ(only().reason, Reason::fired_and_resolved);
  EXPECT_EQ(status().silenced, 0);
}

TEST_F(DispatcherHoldTest, TellsTheEndOfWhatMayHaveArrivedAlsoWhenItCameWhileThatWasUnderWayAndAfterARestart) {
  enqueue({.id = "n1"});
  due();
  hold("a1", 1h);
  enqueue({.id = "n2", .reason = Reason::resolved});
  finish("n1", timed_out);
  make({{"oncall", "", 100}});
  ask();
  EXPECT_THAT(due(), ElementsAre("n2"));
  EXPECT_EQ(only().reason, Reason::fired_and_resolved);
}

TEST_F(DispatcherHoldTest, TellsTheEndOfWhatWasUnderWayWhenTheProcessWasKilled) {
  enqueue({.id = "n1"});
  due();
  hold("a1", 1h);
  make({{"oncall", "", 100}});
  ask();
  EXPECT_THAT(due(), IsEmpty());
  enqueue({.id = "n2", .reason = Reason::resolved});
  EXPECT_THAT(due(), ElementsAre("n2")) << "n1 may have arrived";
  EXPECT_EQ(only().reason, Reason::fired_and_resolved);
}

TEST_F(DispatcherHoldTest, AnAttemptThatDidNotTakePlaceTellsNobodyAnything) {
  enqueue({.id = "n1"});
  due();
  dispatcher_->hand_back("oncall", "n1");
  hold("a1", 1h);
  make({{"oncall", "", 100}});
  ask();
  enqueue({.id = "n2", .reason = Reason::resolved});
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_EQ(status().silenced, 1);
}

TEST_F(DispatcherHoldTest, HoldsOneAlertAndNotAnother) {
  hold("a1", 10min);
  enqueue({.id = "n1"});
  enqueue({.id = "n2", .alert = "a2"});
  EXPECT_THAT(due(), ElementsAre("n2"));
}

TEST_F(DispatcherHoldTest, LetsGoSoonAfterAHoldWasTakenAway) {
  hold("a1", 10h);
  enqueue({.id = "n1"});
  EXPECT_THAT(due(), IsEmpty());
  held_.clear();
  pass(1s);
  EXPECT_THAT(due(), ElementsAre("n1"));
}

TEST_F(DispatcherHoldTest, HoldsWhatWaitsAlreadyForAReceiverThatIsAway) {
  enqueue({.id = "n1"});
  due();
  finish("n1", http_500);
  hold("a1", 1h);
  pass(30min);
  EXPECT_THAT(due(), IsEmpty());
  pass(30min);
  EXPECT_THAT(due(), ElementsAre("n1"));
}

TEST_F(DispatcherHoldTest, GoesOnHoldingAfterARestart) {
  hold("a1", 10min);
  enqueue({.id = "n1"});
  make({{"oncall", "", 100}});
  ask();
  EXPECT_THAT(due(), IsEmpty());
  pass(10min);
  EXPECT_THAT(due(), ElementsAre("n1"));
}

TEST_F(DispatcherHoldTest, GoesOnHoldingAfterAReload) {
  hold("a1", 10min);
  enqueue({.id = "n1"});
  ASSERT_TRUE(dispatcher_->reload({{"oncall", "", 100}}, now_, wall_));
  EXPECT_THAT(due(), IsEmpty());
  pass(10min);
  EXPECT_THAT(due(), ElementsAre("n1"));
}

TEST_F(DispatcherHoldTest, LeavesTheRestOfAGroupToGoByItself) {
  make({{.name = "oncall", .max_queued = 100, .takes_groups = true}});
  ask();
  std::vector<Notification> group;
  for (const char* alert : {"a1", "a2", "a3"}) {
    Notification n = make_notification({.id = std::string("n-") + alert, .alert = alert});
    n.routing.group = "g";
    group.push_back(n);
  }
  ASSERT_TRUE(dispatcher_->enqueue(group, {}, now_));
  const auto together = due();
  ASSERT_EQ(taken_.at(0).alerts.size(), 3U);
  finish(together.at(0), http_500);
  hold("a2", 1h);
  pass(10min);
  const auto without = due();
  ASSERT_EQ(taken_.at(0).alerts.size(), 2U);
  EXPECT_NE(without, together) << "other messages are another delivery";
}

TEST_F(DispatcherHoldTest, AFollowUpIsHeldByTheMuteTimesOfTheMessageThatItFollows) {
  bool night = false;
  const HoldBack by_night = [&](const Notification& notification, Time now) -> std::optional<Time> {
    const auto& mute = notification.routing.mute;
    return night && std::find(mute.begin(), mute.end(), "nights") != mute.end() ? std::optional(now + 1h) : std::nullopt;
  };
  dispatcher_->set_hold_back(by_night);
  route({.id = "n1", .level = Level::critical}, {"weekends", "nights"});
  EXPECT_THAT(due(), ElementsAre("n1"));
  deliver("n1");
  night = true;
  follow_up({.id = "n2", .reason = Reason::deescalated});
  EXPECT_THAT(due(), IsEmpty());
  make({{"oncall", "", 100}});
  dispatcher_->set_hold_back(by_night);
  follow_up({.id = "n3", .reason = Reason::escalated, .level = Level::critical});
  EXPECT_THAT(due(), IsEmpty());
  follow_up({.id = "n4", .reason = Reason::resolved});
  EXPECT_THAT(due(), ElementsAre("n4"));
  deliver("n4");
  EXPECT_THAT(outbox_.load()->told, IsEmpty());
}

TEST_F(DispatcherHoldTest, WhatWasHeldIsToldWithTheTimesOfItsTelling) {
  hold("a1", 10h);
  Notification n1 = make_notification({.id = "n1"});
  n1.created_at = n1.starts_at = to_wall(now_, Duration(0));
  ASSERT_TRUE(dispatcher_->enqueue({n1}, {}, now_));
  EXPECT_THAT(due(), IsEmpty());
  make({{"oncall", "", 100}});
  ask();
  EXPECT_THAT(due(), IsEmpty());
  pass(10h);
  EXPECT_THAT(due(), ElementsAre("n1"));
  EXPECT_EQ(only().created_at, to_wall(now_, Duration(0)));
  EXPECT_EQ(only().duration, 10h);
  EXPECT_EQ(encode(outbox_.load()->pending.at(0).notification), encode(only())) << "as it is sent, it is on disk";
}

TEST_F(DispatcherHoldTest, WhatWasHeldIsToldAsItIsAlsoWhereTheHoldEndsWhileNoAgentRuns) {
  hold("a1", 10h);
  Notification n1 = make_notification({.id = "n1"});
  n1.created_at = n1.starts_at = to_wall(now_, Duration(0));
  ASSERT_TRUE(dispatcher_->enqueue({n1}, {}, now_));
  EXPECT_THAT(due(), IsEmpty());
  pass(12h);
  make({{"oncall", "", 100}});
  ask();
  dispatcher_->set_renew([](Notification& message, Time now) {
    renew_times(message, to_wall(now, Duration(0)));
    message.value = 42;
  });
  EXPECT_THAT(due(), IsEmpty()) << "the rules look first";
  pass(2s);
  EXPECT_THAT(due(), ElementsAre("n1"));
  EXPECT_EQ(only().value, 42);
  EXPECT_EQ(only().starts_at, n1.starts_at);
  EXPECT_EQ(only().created_at, to_wall(now_, Duration(0)));
  EXPECT_EQ(only().duration, 12h + 2s);
  const std::string as_sent = encode(only());
  EXPECT_EQ(encode(outbox_.load()->pending.at(0).notification), as_sent) << "as it is sent, it is on disk";
  make({{"oncall", "", 100}});
  ask();
  pass(1h);
  EXPECT_THAT(due(), ElementsAre("n1"));
  EXPECT_EQ(encode(only()), as_sent) << "it was under way: one id, one message";
}

TEST_F(DispatcherHoldTest, WhatEndsBeforeTheFirstLookAfterAHoldIsToldInOne) {
  hold("a1", 10h);
  enqueue({.id = "n1"});
  pass(12h);
  make({{"oncall", "", 100}});
  ask();
  EXPECT_THAT(due(), IsEmpty());
  enqueue({.id = "n2", .reason = Reason::resolved});
  pass(2s);
  EXPECT_THAT(due(), ElementsAre("n2"));
  EXPECT_EQ(only().reason, Reason::fired_and_resolved);
}

TEST_F(DispatcherHoldTest, WhatWasAttemptedBeforeItWasHeldIsToldAsItWas) {
  enqueue({.id = "n1"});
  due();
  const std::string as_attempted = encode(only());
  finish("n1", timed_out);
  hold("a1", 1h);
  pass(30min);
  EXPECT_THAT(due(), IsEmpty());
  pass(30min);
  EXPECT_THAT(due(), ElementsAre("n1"));
  EXPECT_EQ(encode(only()), as_attempted) << "one id, one message";
}

TEST_F(DispatcherHoldTest, AsksSeldomWhetherWhatCannotGoAnywayIsHeld) {
  int asked = 0;
  dispatcher_->set_hold_back([&](const Notification&, Time) -> std::optional<Time> {
    ++asked;
    return std::nullopt;
  });
  enqueue({.id = "n0", .alert = "a0"});
  due();
  finish("n0", RetryLater{"HTTP 429", 1h, true, false});
  for (int i = 1; i <= 50; ++i) enqueue({.id = "n" + std::to_string(i), .alert = "a" + std::to_string(i)});
  pass(1s);
  asked = 0;
  for (int i = 0; i < 10; ++i) due();
  EXPECT_LE(asked, 51) << "once a second";
  pass(1h);
  due();
  asked = 0;
  deliver("n1");
  due();
  EXPECT_EQ(asked, 1) << "of those that could go, the one that goes";
}

TEST_F(DispatcherHoldTest, LetsAllOfALongQueueGoAsSoonAsItsHoldIsTakenAway) {
  make({{"oncall", "", 10'000}});
  ask();
  std::vector<Notification> many;
  for (int i = 0; i < 3'500; ++i) {
    const std::string number = std::to_string(i);
    many.push_back(make_notification({.id = "n" + number, .alert = "a" + number}));
    hold("a" + number, 10h);
  }
  ASSERT_TRUE(dispatcher_->enqueue(std::move(many), {}, now_));
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_EQ(status().held, 3'500U);
  held_.erase("a3400");  // one that the next piece would not come to
  dispatcher_->look_again();
  for (int i = 0; i < 4; ++i) {
    EXPECT_LE(dispatcher_->next_due(), now_) << "without a pause";
    due();
  }
  EXPECT_EQ(status().held, 3'499U);
  deliver("n3400");
  held_.clear();
  pass(1s);
  for (int i = 0; i < 10 && status().held > 0; ++i) {
    EXPECT_TRUE(i == 0 || dispatcher_->next_due() <= now_);
    due();
  }
  EXPECT_EQ(status().held, 0U);
}

TEST_F(DispatcherHoldTest, HoldsBackAtTheLastMomentWhatASilenceTakesInBetweenTwoReviews) {
  enqueue({.id = "n1"});
  enqueue({.id = "n2", .alert = "a2"});
  due();
  hold("a2", 1h);
  deliver("n1");
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_EQ(status().held, 1U);
}

}  // namespace
}  // namespace sidewatch
