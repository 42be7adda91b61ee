#include "agent/delivery_runner.h"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>

#include "tests/agent/no_threads.h"
#include "tests/agent/scripted.h"
#include "tests/support/notifications.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

class DeliveryRunnerTest : public testing::Test {
 protected:
  std::unique_ptr<DeliveryRunner> runner(Send send, std::function<void()> interrupt = {}) {
    return std::make_unique<DeliveryRunner>(3, receiver_plan("oncall", std::move(send), "", std::move(interrupt)), mailbox);
  }
  static Delivery message(const std::string& id) { return deliver_alone(make_notification({.id = id})); }

  std::shared_ptr<LoopMailbox> mailbox = std::make_shared<LoopMailbox>(16);
};

TEST_F(DeliveryRunnerTest, MakesOneAttemptAndTellsTheLoopHowItWent) {
  std::string sent;
  auto oncall = runner([&sent](const Notification& notification) -> Attempt {
    sent = encode(notification);
    return RetryLater{"HTTP 503", 30s, true, false};
  });
  ASSERT_TRUE(oncall->send(message("n1")));
  const auto done = take<AttemptDone>(*mailbox);
  ASSERT_TRUE(done);
  EXPECT_EQ(sent, encode(message("n1").first()));
  EXPECT_EQ(done->runner, 3u);
  EXPECT_EQ(done->receiver, "oncall");
  EXPECT_EQ(done->delivery_id, "n1");
  const auto* later = std::get_if<RetryLater>(&done->attempt);
  ASSERT_NE(later, nullptr);
  EXPECT_EQ(later->why, "HTTP 503");
  EXPECT_EQ(later->after, 30s);
  EXPECT_TRUE(later->whole_receiver);
}

TEST_F(DeliveryRunnerTest, WithoutAThreadTheAttemptHasFailedAndTheNextOneTriesAgain) {
  std::unique_ptr<DeliveryRunner> oncall;
  {
    const NoThreads none;
    oncall = runner([](const Notification&) -> Attempt { return Delivered{}; });
    ASSERT_TRUE(oncall->send(message("n1")));
    const auto done = take<AttemptDone>(*mailbox);
    ASSERT_TRUE(done);
    const auto* later = std::get_if<RetryLater>(&done->attempt);
    ASSERT_NE(later, nullptr);
    EXPECT_EQ(later->why, "cannot start a thread: Resource temporarily unavailable");
  }
  ASSERT_TRUE(oncall->send(message("n1")));
  const auto done = take<AttemptDone>(*mailbox);
  EXPECT_TRUE(done && std::holds_alternative<Delivered>(done->attempt));
}

TEST_F(DeliveryRunnerTest, TakesOneMessageAtATime) {
  Gate gate;
  auto oncall = runner([&gate](const Notification&) -> Attempt {
    EXPECT_TRUE(gate.pass());
    return Delivered{};
  });
  ASSERT_TRUE(oncall->send(message("n1")));
  EXPECT_FALSE(oncall->send(message("n2")));
  gate.open();
  auto done = take<AttemptDone>(*mailbox);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->delivery_id, "n1");
  EXPECT_TRUE(oncall->send(message("n2"))) << "free once the answer is there";
  done = take<AttemptDone>(*mailbox);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->delivery_id, "n2");
}

TEST_F(DeliveryRunnerTest, TakesAnExceptionForAnAttemptToRepeat) {
  auto oncall = runner([](const Notification&) -> Attempt { throw std::runtime_error("no memory"); });
  ASSERT_TRUE(oncall->send(message("n1")));
  const auto done = take<AttemptDone>(*mailbox);
  ASSERT_TRUE(done);
  const auto* later = std::get_if<RetryLater>(&done->attempt);
  ASSERT_NE(later, nullptr);
  EXPECT_EQ(later->why, "no memory");
}

TEST_F(DeliveryRunnerTest, InterruptsTheAttemptUnderWayAndStillTellsItsResult) {
  Gate entered, interrupted;
  auto oncall = runner(
      [&](const Notification&) -> Attempt {
        entered.open();
        EXPECT_TRUE(interrupted.pass());
        return RetryLater{"interrupted", std::nullopt, false, false};
      },
      [&interrupted] { interrupted.open(); });
  ASSERT_TRUE(oncall->send(message("n1")));
  ASSERT_TRUE(entered.pass());
  oncall->request_stop();
  const auto done = take<AttemptDone>(*mailbox);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->delivery_id, "n1");
  EXPECT_TRUE(oncall->join(patience));
  EXPECT_FALSE(oncall->send(message("n2")));
}

TEST_F(DeliveryRunnerTest, TellsOfADeliveryThatEndedAfterTheStop) {
  Gate entered, gate;
  auto oncall = runner([&](const Notification&) -> Attempt {
    entered.open();
    EXPECT_TRUE(gate.pass());
    return Delivered{};
  });
  ASSERT_TRUE(oncall->send(message("n1")));
  ASSERT_TRUE(entered.pass());
  oncall->request_stop();
  gate.open();
  const auto done = take<AttemptDone>(*mailbox);
  ASSERT_TRUE(done);
  EXPECT_TRUE(std::holds_alternative<Delivered>(done->attempt)) << "unheard of, it would be sent twice";
  EXPECT_TRUE(oncall->join(patience));
}

TEST_F(DeliveryRunnerTest, EndsAtOnceWhenItIsIdle) {
  auto oncall = runner([](const Notification&) -> Attempt { return Delivered{}; });
  oncall->request_stop();
  EXPECT_TRUE(oncall->join(patience));
  EXPECT_TRUE(oncall->join(0ms));
}

TEST_F(DeliveryRunnerTest, LeavesAReceiverBehindThatCannotBeInterrupted) {
  const auto entered = std::make_shared<Gate>();
  const auto gate = std::make_shared<Gate>();
  auto oncall = runner([entered, gate](const Notification&) -> Attempt {
    entered->open();
    EXPECT_TRUE(gate->pass());
    return Delivered{};
  });
  ASSERT_TRUE(oncall->send(message("n1")));
  ASSERT_TRUE(entered->pass());
  oncall->request_stop();
  EXPECT_FALSE(oncall->join(0ms));
  oncall.reset();
  gate->open();
  EXPECT_TRUE(take<AttemptDone>(*mailbox)) << "the answer comes all the same";
}

}  // namespace
}  // namespace sidewatch
