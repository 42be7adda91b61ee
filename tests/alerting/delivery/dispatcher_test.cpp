#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/alerting/delivery/dispatcher_fixture.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(DispatcherTest, HandsOutOneMessagePerReceiverAtATime) {
  enqueue({.id = "n1", .alert = "a"});
  enqueue({.id = "n2", .alert = "b"});
  enqueue({.id = "n3", .alert = "a", .receiver = "chat"});
  EXPECT_THAT(due(), ElementsAre("n1", "n3"));
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_EQ(dispatcher_->next_due(), std::nullopt);
  deliver("n1");
  EXPECT_EQ(dispatcher_->next_due(), now_);
  EXPECT_THAT(due(), ElementsAre("n2"));
  EXPECT_THAT(on_disk(), ElementsAre("n2", "n3"));
  EXPECT_EQ(status().delivered, 1);
}

TEST_F(DispatcherTest, BacksOffAfterAFailureAndKeepsTheIdOverRetries) {
  enqueue({.id = "n1"});
  EXPECT_THAT(due(), ElementsAre("n1"));
  finish("n1", http_500);
  EXPECT_EQ(*dispatcher_->next_due(), now_ + 1500ms);
  now_ += 1499ms;
  EXPECT_THAT(due(), IsEmpty());
  now_ += 1ms;
  EXPECT_THAT(due(), ElementsAre("n1"));
  finish("n1", http_500);
  EXPECT_EQ(*dispatcher_->next_due(), now_ + 2500ms);
  EXPECT_EQ(status().failed_attempts, 2);
  EXPECT_EQ(status().last_failure, "HTTP 500");
  EXPECT_EQ(status().paused_until, now_ + 2500ms);
}

TEST_F(DispatcherTest, AnotherAlertPassesOneThatBacksOffButTheSameAlertDoesNot) {
  enqueue({.id = "a1", .alert = "a", .incident = "a/1"});
  due();
  finish("a1", RetryLater{"HTTP 500", 30min, false, false});
  enqueue({.id = "b1", .alert = "b"});
  enqueue({.id = "a2", .alert = "a", .incident = "a/2"});
  now_ = *status().paused_until;
  EXPECT_THAT(due(), ElementsAre("b1"));
  deliver("b1");
  EXPECT_THAT(due(), IsEmpty());  // a2 waits behind a1
  now_ += 31min;
  EXPECT_THAT(due(), ElementsAre("a1"));
  deliver("a1");
  EXPECT_THAT(due(), ElementsAre("a2"));
}

TEST_F(DispatcherTest, ADeadReceiverWithALongQueueIsNotTriedAllTheTime) {
  for (int i = 0; i < 50; ++i) enqueue({.id = "n" + std::to_string(i), .alert = "a" + std::to_string(i)});
  int attempts = 0;
  const Time end = now_ + 1h;
  while (dispatcher_->next_due() && *dispatcher_->next_due() < end) {
    now_ = std::max(now_, *dispatcher_->next_due());
    for (const auto& id : due()) {
      finish(id, RetryLater{"connection refused", std::nullopt, true, false});
      ++attempts;
    }
  }
  EXPECT_GT(attempts, 12);
  EXPECT_LT(attempts, 60);
}

TEST_F(DispatcherTest, ADeadReceiverDelaysOnlyItself) {
  enqueue({.id = "n1"});
  enqueue({.id = "c1", .receiver = "chat"});
  due();
  finish("n1", http_500);
  deliver("c1", "chat");
  enqueue({.id = "c2", .alert = "b", .receiver = "chat"});
  EXPECT_THAT(due(), ElementsAre("c2"));
}

TEST_F(DispatcherTest, RetryAfterHoldsTheMessageAndForTheWholeReceiverEverything) {
  enqueue({.id = "a1", .alert = "a"});
  enqueue({.id = "b1", .alert = "b"});
  due();
  finish("a1", RetryLater{"HTTP 429", 60s, true, false});
  EXPECT_EQ(*dispatcher_->next_due(), now_ + 60'500ms);
  now_ += 60s;
  EXPECT_THAT(due(), IsEmpty());
  now_ += 500ms;
  EXPECT_THAT(due(), ElementsAre("b1"));  // whose turn came first
}

TEST_F(DispatcherTest, ARefusedMessageIsADeadLetterAndGoesToTheFallback) {
  enqueue({.id = "c1", .receiver = "chat"});
  due();
  finish("c1", Rejected{"HTTP 400: no"}, "chat");
  EXPECT_THAT(due(), ElementsAre("c1-fallback"));
  EXPECT_EQ(only().receiver, "oncall");
  const auto letters = outbox_.dead_letters(10);
  ASSERT_EQ(letters.size(), 1u);
  EXPECT_EQ(letters[0].why, "HTTP 400: no");
  EXPECT_EQ(status("chat").rejected, 1);
  deliver("c1-fallback");
  // The fallback heard of it, so the fallback hears the end, and the one that refused does not.
  enqueue({.id = "c2", .receiver = "chat", .reason = Reason::resolved});
  EXPECT_THAT(due(), ElementsAre("c2-fallback"));
}

TEST_F(DispatcherTest, WhatAReceiverCannotTakeAsConfiguredWaitsOrGoesToTheFallback) {
  const RetryLater forbidden{"HTTP 403", 5min, true, true};
  enqueue({.id = "c1", .receiver = "chat"});
  due();
  finish("c1", forbidden, "chat");
  EXPECT_THAT(due(), ElementsAre("c1-fallback"));
  finish("c1-fallback", forbidden);  // which has none itself
  EXPECT_EQ(status().queued, 1u);
  EXPECT_GE(*dispatcher_->next_due(), now_ + 5min);
}

TEST_F(DispatcherTest, AFullQueueDropsTheLeastSevereAndOfThoseTheOldest) {
  make({{"oncall", "", 3}});
  enqueue({.id = "w1", .alert = "a1", .level = Level::warning});
  enqueue({.id = "c1", .alert = "a2", .level = Level::critical});
  enqueue({.id = "w2", .alert = "a3", .level = Level::warning});
  enqueue({.id = "c2", .alert = "a4", .level = Level::critical});
  EXPECT_THAT(on_disk(), ElementsAre("c1", "w2", "c2"));
  enqueue({.id = "w3", .alert = "a5", .level = Level::warning});
  enqueue({.id = "c3", .alert = "a6", .level = Level::critical});
  EXPECT_THAT(on_disk(), ElementsAre("c1", "c2", "c3"));
  enqueue({.id = "c4", .alert = "a7", .level = Level::critical});
  EXPECT_THAT(on_disk(), ElementsAre("c2", "c3", "c4"));
  EXPECT_EQ(status().dropped, 4);
  EXPECT_EQ(outbox_.dead_letters(10).size(), 4u);
  EXPECT_EQ(outbox_.dead_letters(1)[0].why, "the queue was full (3 messages)");
}

TEST_F(DispatcherTest, TheBoundDoesNotTouchTheMessageUnderWay) {
  make({{"oncall", "", 1}});
  enqueue({.id = "w1", .alert = "a1"});
  due();
  enqueue({.id = "c1", .alert = "a2", .level = Level::critical});
  EXPECT_THAT(on_disk(), ElementsAre("w1"));
  deliver("w1");
  EXPECT_EQ(status().delivered, 1);
}

TEST_F(DispatcherTest, AMessageHandedBackKeepsItsPlaceAndCountsNoAttempt) {
  enqueue({.id = "n1", .alert = "a"});
  enqueue({.id = "n2", .alert = "b"});
  due();
  dispatcher_->hand_back("oncall", "n1");
  EXPECT_THAT(due(), ElementsAre("n1"));
  EXPECT_EQ(status().failed_attempts, 0);
}

TEST_F(DispatcherTest, IgnoresAnAnswerThatItDidNotAskFor) {
  enqueue({.id = "n1"});
  finish("n1", Delivered{});
  finish("n1", Delivered{}, "nobody");
  due();
  finish("n2", Delivered{});
  EXPECT_EQ(dispatcher_->queued(), 1u);
  EXPECT_EQ(status().delivered, 0);
}

TEST_F(DispatcherTest, StatesAreCommittedTogetherWithTheMessages) {
  Transaction with;
  with.states = {{"alert", "firing"}};
  with.saved = SavedAt{now_, Duration(0), {}};
  ASSERT_TRUE(dispatcher_->enqueue({make_notification({.id = "n1"})}, with, now_));
  const auto loaded = outbox_.load();
  EXPECT_EQ(loaded->states.size(), 1u);
  EXPECT_EQ(loaded->pending.size(), 1u);
  EXPECT_EQ(outbox_.statistics().commits, 1);
}

// As after a night without a receiver: how long until the agent can start, and what a further message then costs.
class LongQueue : public testing::TestWithParam<int> {};

TEST_P(LongQueue, IsTakenUpQuicklyAndGoesOnQuickly) {
  const int alerts = GetParam();
  const Time now = time_at_ms(1'000'000);
  Outbox outbox = Outbox::in_memory();
  Loaded loaded;
  const auto message = [&](int i) {
    const std::string alert = "a" + std::to_string(i % alerts);
    return make_notification({.id = "n" + std::to_string(i), .alert = alert, .incident = alert + "/" + std::to_string(i)});
  };
  for (int i = 0; i < 10'000; ++i) loaded.pending.push_back({message(i), 3});
  const auto began = std::chrono::steady_clock::now();
  Dispatcher dispatcher(outbox, loaded, {{"oncall", "", 20'000}}, [] { return 0.5; }, now);
  for (int i = 10'000; i < 10'500; ++i) ASSERT_TRUE(dispatcher.enqueue({message(i)}, {}, now));
  const auto due = dispatcher.due(now);
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due.front().id, "n0");
  EXPECT_EQ(dispatcher.queued(), 10'500U);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 8s) << "of which a second is usual in a debug build";
}

INSTANTIATE_TEST_SUITE_P(OfAlerts, LongQueue, testing::Values(1, 100, 10'500));

TEST_F(DispatcherTest, TriesTheEndOfWhatAReceiverWasToldAgainAlsoWhereThereIsAFallback) {
  enqueue({.id = "c1", .receiver = "chat"});
  due();
  deliver("c1", "chat");
  enqueue({.id = "c2", .receiver = "chat", .reason = Reason::resolved});
  EXPECT_THAT(due(), testing::ElementsAre("c2"));
  finish("c2", RetryLater{"HTTP 403", std::chrono::minutes(5), true, true}, "chat");
  EXPECT_EQ(status("chat").queued, 1U);
  now_ += std::chrono::minutes(10);
  EXPECT_THAT(due(), testing::ElementsAre("c2"));
}

TEST_F(DispatcherTest, GivesNothingToAReceiverThatIsOccupiedAndDoesNotWakeForIt) {
  enqueue({.id = "n1"});
  dispatcher_->occupy("oncall", true);
  EXPECT_THAT(due(), testing::IsEmpty());
  EXPECT_EQ(dispatcher_->next_due(), std::nullopt);
  dispatcher_->occupy("oncall", false);
  EXPECT_THAT(due(), testing::ElementsAre("n1"));
}

}  // namespace
}  // namespace sidewatch
