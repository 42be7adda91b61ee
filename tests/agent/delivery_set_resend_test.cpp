// Receivers that forget, and are told again what fires: when, of what, and behind what is due.
#include "agent/resend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "tests/agent/delivery_set_fixture.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

TEST_F(DeliverySetTest, TellsAgainWhatFiresToWhomeverWantsItAndHasHeardOfIt) {
  auto forgetful = taking("forgetful");
  forgetful.resend_every = 60s;
  configure({forgetful, taking("steady")});
  deliveries.resend({firing("a1")}, now, wall);
  EXPECT_EQ(deliveries.in_flight(), 0u);  // it has not heard of it

  now += 1s;
  enqueue("n-1", "forgetful");
  enqueue("n-2", "steady");
  deliveries.hand_out(now);
  take_answer();
  take_answer();
  deliveries.resend({firing("a1"), firing("a2")}, now, wall);
  EXPECT_EQ(deliveries.in_flight(), 0u);  // it is not time yet
  now += 59s;
  deliveries.resend({firing("a1"), firing("a2")}, now, wall);
  EXPECT_EQ(deliveries.in_flight(), 1u);
  take_answer();
  EXPECT_EQ(deliveries.in_flight(), 0u);
  const auto ids = received.ids();
  EXPECT_EQ(std::count_if(ids.begin(), ids.end(), is_resend), 1);
  EXPECT_EQ(status("forgetful").delivered, 1);
  deliveries.resend({firing("a1")}, now + 59s, wall);
  EXPECT_EQ(deliveries.in_flight(), 0u);
}

TEST_F(DeliverySetTest, LetsADeliveryThatIsDueGoBeforeWhatIsToldAgain) {
  auto forgetful = taking("forgetful");
  forgetful.resend_every = 60s;
  configure({forgetful});
  enqueue("n-1", "forgetful");
  deliveries.hand_out(now);
  deliveries.resend({firing("a1")}, now + 100s, wall);
  take_answer();
  EXPECT_EQ(received.ids(), std::vector<std::string>{"n-1"});
  deliveries.resend({firing("a1")}, now + 100s, wall);
  take_answer();
  ASSERT_EQ(received.ids().size(), 2u);
  EXPECT_TRUE(is_resend(received.ids()[1]));
}

TEST_F(DeliverySetTest, LeavesAReceiverAloneForAsLongAsItAskedFor) {
  std::atomic<bool> full{false};
  auto forgetful = receiver_plan("forgetful", [&](const Notification& notification) -> Attempt {
    received.add(notification);
    if (full) return RetryLater{"HTTP 429", 10min, true, false};
    return Delivered{};
  });
  forgetful.resend_every = 60s;
  configure({forgetful});
  const auto resend = [&](Duration later) {
    now += later;
    deliveries.hand_out(now);
    deliveries.resend({firing("a1")}, now, wall);
    const bool sent = deliveries.in_flight() > 0;
    if (sent) take_answer();
    return sent;
  };
  enqueue("n-1", "forgetful");
  EXPECT_TRUE(resend(0s));
  EXPECT_TRUE(resend(100s));
  full = true;
  enqueue("n-2", "forgetful", "a2");
  EXPECT_TRUE(resend(0s));
  EXPECT_FALSE(resend(100s)) << "it asked so in its answer to a delivery";
  full = false;
  EXPECT_TRUE(resend(10min));
  EXPECT_EQ(dispatcher.queued(), 0u);
  full = true;
  EXPECT_TRUE(resend(100s));
  EXPECT_FALSE(resend(100s)) << "it asked so when it was told again";
  enqueue("n-3", "forgetful", "a3");
  EXPECT_FALSE(resend(1s)) << "and that is for all that it is sent";
  full = false;
  EXPECT_TRUE(resend(10min));
  EXPECT_EQ(alerts_of(received.ids()), (Ids{"n-1", "a1", "n-2", "n-2", "a1", "n-3"}));
}

TEST_F(DeliverySetTest, LeavesWhatIsDueInItsPlaceWhileItTellsAgain) {
  auto forgetful = taking("forgetful");
  forgetful.resend_every = 60s;
  configure({forgetful});
  enqueue("n-1", "forgetful");
  deliveries.hand_out(now);
  take_answer();
  deliveries.resend({firing("a1")}, now + 100s, wall);
  ASSERT_EQ(deliveries.in_flight(), 1u);
  now += 100s;
  enqueue("n-2", "forgetful");
  deliveries.hand_out(now);
  EXPECT_EQ(deliveries.in_flight(), 1u);
  take_answer();
  deliveries.hand_out(now);
  EXPECT_EQ(deliveries.in_flight(), 1u);
  take_answer();
  ASSERT_EQ(received.ids().size(), 3u);
  EXPECT_TRUE(is_resend(received.ids()[1]));
  EXPECT_EQ(received.ids()[2], "n-2");
}

TEST_F(DeliverySetTest, TellsOfManyInPiecesAndLetsWhatIsDueGoBetweenThem) {
  const auto many = tell_of_many();
  now += 100s;
  deliveries.resend(many, now, wall);
  EXPECT_EQ(deliveries.in_flight(), 1u);
  enqueue("urgent", "forgetful", "urgent");
  for (int i = 0; i < 3; ++i) {
    take_answer();
    deliveries.hand_out(now);
    deliveries.resend(many, now, wall);
  }
  take_answer();
  EXPECT_EQ(alerts_of(received.ids()), (Ids{"a000", "urgent", "a100", "a200"}));
  deliveries.resend(many, now + 59s, wall);
  EXPECT_EQ(deliveries.in_flight(), 0u);
}

TEST_F(DeliverySetTest, GoesOnBehindThePieceThatNobodyTook) {
  const auto many = tell_of_many();
  taken = false;
  for (const int round : {1, 2, 3}) {
    now += 60s;
    deliveries.resend(many, now, wall);
    take_answer();
    deliveries.resend(many, now, wall);
    EXPECT_EQ(deliveries.in_flight(), 0u) << "round " << round << " is over";
  }
  EXPECT_EQ(alerts_of(received.ids()), (Ids{"a000", "a100", "a200"}));
  now += 60s;
  deliveries.resend(many, now, wall);
  take_answer();
  EXPECT_EQ(alerts_of(received.ids()).back(), "a000");
}

}  // namespace
}  // namespace sidewatch
