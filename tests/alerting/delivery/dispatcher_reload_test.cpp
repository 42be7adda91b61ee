// Receivers that come and go: by a reload, and between two lives of the agent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/alerting/delivery/dispatcher_fixture.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using DispatcherReload = DispatcherTest;

TEST_F(DispatcherReload, AToldIncidentHearsItsEndAfterARestart) {
  enqueue({.id = "n1"});
  due();
  deliver("n1");
  make({{"oncall", "", 100}});
  enqueue({.id = "n2", .reason = Reason::resolved});
  EXPECT_THAT(due(), ElementsAre("n2"));
  EXPECT_EQ(only().reason, Reason::resolved);
  deliver("n2");
  EXPECT_THAT(outbox_.load()->told, IsEmpty());
}

TEST_F(DispatcherReload, ARestartSendsWhatWaitedInItsOrderAndCountsEarlierAttempts) {
  enqueue({.id = "n1", .alert = "a"});
  enqueue({.id = "n2", .alert = "b"});
  due();
  finish("n1", http_500);
  make({{"oncall", "", 100}});
  EXPECT_THAT(due(), ElementsAre("n1"));
  finish("n1", http_500);
  now_ = *dispatcher_->next_due();
  EXPECT_THAT(due(), ElementsAre("n2"));
  EXPECT_EQ(outbox_.load()->pending[0].attempts, 2);
}

TEST_F(DispatcherReload, AReloadThatRemovesAReceiverBuriesItsQueueAndWaitsForWhatIsUnderWay) {
  enqueue({.id = "c1", .alert = "a", .receiver = "chat"});
  enqueue({.id = "c2", .alert = "b", .receiver = "chat"});
  due();
  ASSERT_TRUE(dispatcher_->reload({{"oncall", "", 100}}, now_, wall_));
  EXPECT_EQ(outbox_.dead_letters(10).size(), 1u);
  EXPECT_THAT(outbox_.dead_letters(10)[0].why, HasSubstr("removed from the configuration"));
  EXPECT_THAT(on_disk(), ElementsAre("c1"));
  EXPECT_EQ(status("oncall").leaving, false);
  EXPECT_EQ(status("chat").leaving, true);
  deliver("c1", "chat");
  EXPECT_THAT(on_disk(), IsEmpty());
  EXPECT_EQ(outbox_.dead_letters(10).size(), 1u);
  enqueue({.id = "c3", .receiver = "chat"});
  EXPECT_EQ(outbox_.dead_letters(10).size(), 2u);
}

TEST_F(DispatcherReload, WhatBecameOfTheMessagesOfAReceiverIsStillCountedWhenItIsGone) {
  const std::vector<DispatchTarget> without{{"oncall", "", 100}};
  const std::vector<DispatchTarget> with{{"oncall", "", 100}, {"chat", "", 100}};
  for (const auto* id : {"c1", "c2", "c3"}) enqueue({.id = id, .alert = id, .receiver = "chat"});
  due();
  ASSERT_TRUE(dispatcher_->reload(without, now_, wall_));
  EXPECT_EQ(status("chat").dropped, 2);
  EXPECT_EQ(status("chat").queued, 1u);
  finish("c1", http_500, "chat");
  EXPECT_EQ(status("chat").dropped, 3);
  EXPECT_EQ(status("chat").failed_attempts, 1);
  EXPECT_EQ(status("chat").queued, 0u);
  enqueue({.id = "c4", .receiver = "chat"});
  EXPECT_EQ(status("chat").dropped, 4);
  ASSERT_TRUE(dispatcher_->reload(with, now_, wall_));
  EXPECT_EQ(status("chat").dropped, 4);
  EXPECT_FALSE(status("chat").leaving);
  EXPECT_EQ(dispatcher_->statuses().size(), 2u);
}

TEST_F(DispatcherReload, AFailureOfAReceiverThatIsGoneEndsInTheDeadLetters) {
  enqueue({.id = "c1", .receiver = "chat"});
  due();
  ASSERT_TRUE(dispatcher_->reload({{"oncall", "", 100}}, now_, wall_));
  finish("c1", http_500, "chat");
  EXPECT_THAT(on_disk(), IsEmpty());
  EXPECT_THAT(outbox_.dead_letters(1)[0].why, HasSubstr("HTTP 500"));
}

TEST_F(DispatcherReload, AReloadTriesAtOnceWhatWasBackingOff) {
  enqueue({.id = "n1"});
  due();
  finish("n1", RetryLater{"HTTP 401", 5min, true, true});
  EXPECT_THAT(due(), IsEmpty());
  ASSERT_TRUE(dispatcher_->reload({{"oncall", "", 100}}, now_, wall_));
  EXPECT_THAT(due(), ElementsAre("n1"));
}

TEST_F(DispatcherReload, MessagesForAReceiverThatIsGoneAtTheStartAreDeadLetters) {
  enqueue({.id = "c1", .receiver = "chat"});
  make({{"oncall", "", 100}});
  EXPECT_THAT(on_disk(), IsEmpty());
  EXPECT_THAT(outbox_.dead_letters(1)[0].why, HasSubstr("no receiver 'chat'"));
}

TEST_F(DispatcherReload, NothingIsRememberedOfWhatAReceiverThatLeftWasTold) {
  enqueue({.id = "c1", .receiver = "chat"});
  due();
  ASSERT_TRUE(dispatcher_->reload({{"oncall", "", 100}}, now_, wall_));
  deliver("c1", "chat");
  EXPECT_THAT(outbox_.load()->told, IsEmpty());
}

TEST_F(DispatcherReload, ARestartForgetsWhatReceiversWereToldThatAreNoMore) {
  enqueue({.id = "c1", .receiver = "chat"});
  due();
  deliver("c1", "chat");
  ASSERT_EQ(outbox_.load()->told.size(), 1u);
  make({{"oncall", "", 100}});
  EXPECT_THAT(outbox_.load()->told, IsEmpty());
}

}  // namespace
}  // namespace sidewatch
