#include "agent/delivery_set.h"

#include <gtest/gtest.h>

#include "tests/agent/delivery_set_fixture.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

TEST_F(DeliverySetTest, HandsEachReceiverItsMessageAndRecordsTheAnswer) {
  configure({taking("oncall"), taking("chat")});
  enqueue("n1", "oncall");
  enqueue("n2", "chat");
  deliveries.hand_out(now);
  EXPECT_EQ(deliveries.in_flight(), 2u);
  take_answer();
  take_answer();
  EXPECT_EQ(deliveries.in_flight(), 0u);
  EXPECT_EQ(status("oncall").delivered, 1);
  EXPECT_EQ(status("chat").delivered, 1);
  EXPECT_EQ(dispatcher.queued(), 0u);
}

TEST_F(DeliverySetTest, GivesABusyReceiverNothingMoreAndDelaysNobodyElse) {
  configure({holding("oncall", ""), taking("chat")});
  enqueue("n1", "oncall", "a1");
  enqueue("n2", "oncall", "a2");
  enqueue("n3", "chat", "a1");
  deliveries.hand_out(now);
  deliveries.hand_out(now);
  EXPECT_EQ(deliveries.in_flight(), 2u);
  take_answer();  // chat's: oncall holds on to its own
  EXPECT_EQ(status("chat").delivered, 1);
  EXPECT_EQ(status("oncall").delivered, 0);
  gate.open();
  take_answer();
  deliveries.hand_out(now);
  take_answer();
  EXPECT_EQ(status("oncall").delivered, 2);
  EXPECT_EQ(deliveries.in_flight(), 0u);
}

TEST_F(DeliverySetTest, HandsBackWhatNoThreadCanTake) {
  ASSERT_TRUE(dispatcher.reload({{"oncall", "", 10}}, now, wall));  // known to the dispatcher, no thread yet
  enqueue("n1", "oncall");
  deliveries.hand_out(now);
  EXPECT_EQ(deliveries.in_flight(), 0u);
  EXPECT_EQ(dispatcher.queued(), 1u);
  deliveries.configure({taking("oncall")});
  deliveries.hand_out(now);
  take_answer();
  EXPECT_EQ(received.ids(), Ids{"n1"});
}

TEST_F(DeliverySetTest, KeepsAReceiverThatAReloadDidNotChange) {
  configure({holding("oncall", "same", false)});
  enqueue("n1", "oncall");
  deliveries.hand_out(now);
  configure({holding("oncall", "same", false)});
  deliveries.hand_out(now);
  EXPECT_EQ(deliveries.in_flight(), 1u);
  gate.open();
  take_answer();
  EXPECT_EQ(received.ids(), Ids{"n1"}) << "sent once, by the thread that had it";
  EXPECT_EQ(status("oncall").delivered, 1);
}

TEST_F(DeliverySetTest, RecordsTheAnswerOfAReceiverThatWasReplacedMeanwhile) {
  configure({holding("oncall", "before")});
  enqueue("n1", "oncall", "a1");
  enqueue("n2", "oncall", "a2");
  deliveries.hand_out(now);
  configure({taking("oncall", "after")});  // asks the old one to give up
  deliveries.hand_out(now);
  EXPECT_EQ(deliveries.in_flight(), 1u) << "one message of a receiver at a time, also over its replacement";
  take_answer();
  EXPECT_EQ(status("oncall").delivered, 1);
  deliveries.hand_out(now);
  take_answer();
  EXPECT_EQ(received.ids(), (Ids{"n1", "n2"}));
  EXPECT_EQ(status("oncall").delivered, 2);
  EXPECT_EQ(deliveries.in_flight(), 0u);
}

TEST_F(DeliverySetTest, TriesAgainWithTheNewReceiverWhatTheOldOneGaveUp) {
  configure({receiver_plan(
      "oncall",
      [this](const Notification&) -> Attempt {
        EXPECT_TRUE(gate.pass());
        return RetryLater{"interrupted", std::nullopt, false, false};
      },
      "before", [this] { gate.open(); })});
  enqueue("n1", "oncall");
  deliveries.hand_out(now);
  configure({taking("oncall", "after")});
  take_answer();
  EXPECT_EQ(status("oncall").failed_attempts, 1);
  now += 1min;
  deliveries.hand_out(now);
  take_answer();
  EXPECT_EQ(received.ids(), Ids{"n1"});
}

TEST_F(DeliverySetTest, WaitsForTheAnswerOfAReceiverThatAReloadTookAway) {
  configure({holding("oncall", ""), taking("chat")});
  enqueue("n1", "oncall");
  deliveries.hand_out(now);
  configure({taking("chat")});
  EXPECT_EQ(deliveries.in_flight(), 1u);
  take_answer();
  EXPECT_EQ(deliveries.in_flight(), 0u);
  EXPECT_TRUE(outbox.dead_letters(10).empty()) << "it was delivered";
  EXPECT_EQ(dispatcher.queued(), 0u);
}

TEST_F(DeliverySetTest, StopsWithTheAnswersOfWhatWasUnderWay) {
  configure({holding("oncall", "")});
  enqueue("n1", "oncall");
  deliveries.hand_out(now);
  EXPECT_FALSE(deliveries.stopping());
  deliveries.request_stop();
  EXPECT_TRUE(deliveries.stopping());
  take_answer();
  EXPECT_EQ(status("oncall").delivered, 1);
  EXPECT_TRUE(deliveries.join(patience));
}

TEST_F(DeliverySetTest, LeavesAReceiverBehindThatDoesNotAnswer) {
  const auto entered = std::make_shared<Gate>();
  const auto stuck = std::make_shared<Gate>();
  DeliverySet hanging{dispatcher, mailbox};
  const std::vector<ReceiverPlan> plans{receiver_plan("oncall", [entered, stuck](const Notification&) -> Attempt {
    entered->open();
    EXPECT_TRUE(stuck->pass());
    return Delivered{};
  })};
  ASSERT_TRUE(dispatcher.reload(dispatch_targets(plans), now, wall));
  hanging.configure(plans);
  enqueue("n1", "oncall");
  hanging.hand_out(now);
  ASSERT_TRUE(entered->pass());
  hanging.request_stop();
  EXPECT_FALSE(hanging.join(0ms));
  stuck->open();
  EXPECT_TRUE(take<AttemptDone>(*mailbox));
}

TEST(ReceiverNames, AreThoseOfThePlansInTheirOrder) {
  const Send send = [](const Notification&) -> Attempt { return Delivered{}; };
  auto oncall = receiver_plan("oncall", send);
  oncall.fallback = "chat";
  const std::vector<ReceiverPlan> plans{oncall, receiver_plan("chat", send)};
  EXPECT_EQ(receiver_names(plans), (std::vector<std::string>{"oncall", "chat"}));
  const auto targets = dispatch_targets(plans);
  ASSERT_EQ(targets.size(), 2u);
  EXPECT_EQ(targets[0].name, "oncall");
  EXPECT_EQ(targets[0].fallback, "chat");
  EXPECT_EQ(targets[1].fallback, "");
}

}  // namespace
}  // namespace sidewatch
