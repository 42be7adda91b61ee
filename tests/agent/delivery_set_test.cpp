#include "agent/delivery_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>

#include "alerting/outbox.h"
#include "tests/agent/scripted.h"
#include "tests/support/notifications.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

const WallTime wall{start_of_test.time_since_epoch()};

// What a receiver was sent, over all threads.
class Received {
 public:
  void add(const Notification& notification) {
    const std::lock_guard lock(mutex_);
    ids_.push_back(notification.id);
  }
  void forget() {
    const std::lock_guard lock(mutex_);
    ids_.clear();
  }
  std::vector<std::string> ids() const {
    const std::lock_guard lock(mutex_);
    return ids_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> ids_;
};

AlertView firing(const std::string& alert) {
  AlertView view;
  view.rule = "HostMemoryHigh";
  view.key = alert;
  view.incident = alert + "/1";
  view.firing = view.announced = true;
  view.level = Level::warning;
  return view;
}

// "again-<time>-<alert>" is told of the alert and those behind it.
std::vector<std::string> alerts_of(std::vector<std::string> ids) {
  for (auto& id : ids) id.erase(0, is_resend(id) ? id.rfind('-') + 1 : 0);
  return ids;
}

class DeliverySetTest : public testing::Test {
 protected:
  ~DeliverySetTest() override {
    deliveries.request_stop();
    EXPECT_TRUE(deliveries.join(patience));
  }

  ReceiverPlan taking(const std::string& name, const std::string& fingerprint = "") {
    return receiver_plan(
        name,
        [this](const Notification& notification) -> Attempt {
          received.add(notification);
          return Delivered{};
        },
        fingerprint);
  }
  // Holds on to its message until `gate` is opened or the receiver is interrupted.
  ReceiverPlan holding(const std::string& name, const std::string& fingerprint, bool interruptible = true) {
    return receiver_plan(
        name,
        [this](const Notification& notification) -> Attempt {
          received.add(notification);
          EXPECT_TRUE(gate.pass());
          return Delivered{};
        },
        fingerprint, [this, interruptible] {
          if (interruptible) gate.open();
        });
  }

  void configure(const std::vector<ReceiverPlan>& plans) {
    ASSERT_TRUE(dispatcher.reload(dispatch_targets(plans), now, wall));
    deliveries.configure(plans);
  }
  void enqueue(const std::string& id, const std::string& receiver, const std::string& alert = "a1") {
    Transaction with;
    with.at = wall;
    ASSERT_TRUE(dispatcher.enqueue({make_notification({.id = id, .alert = alert, .receiver = receiver})}, with, now));
  }
  // 250 alerts that a receiver knows of that wants to hear of them each minute; it takes them while `taken` says so.
  std::vector<AlertView> tell_of_many() {
    auto forgetful = receiver_plan("forgetful", [this](const Notification& notification) -> Attempt {
      received.add(notification);
      if (!taken) return RetryLater{"nobody is there", std::nullopt, false, false};
      return Delivered{};
    });
    forgetful.resend_every = 60s;
    configure({forgetful});
    std::vector<AlertView> many;
    for (int i = 0; i < 250; ++i) {
      const std::string number = std::to_string(i);
      many.push_back(firing("a" + std::string(3 - number.size(), '0') + number));
      enqueue("n" + number, "forgetful", many.back().key);
      deliveries.hand_out(now);
      take_answer();
    }
    received.forget();
    deliveries.resend({}, now, wall);  // the minute begins
    return many;
  }
  void take_answer() {
    const auto done = take<AttemptDone>(*mailbox);
    ASSERT_TRUE(done);
    EXPECT_TRUE(deliveries.take(*done, now, wall));
  }
  ReceiverStatus status(const std::string& name) const {
    for (const auto& one : dispatcher.statuses()) {
      if (one.name == name) return one;
    }
    return {};
  }

  Received received;
  std::atomic<bool> taken = true;
  Gate gate;
  Time now = start_of_test;
  Outbox outbox = Outbox::in_memory();
  Loaded loaded = outbox.load().value();
  Dispatcher dispatcher{outbox, loaded, {}, [] { return 0.5; }, now};
  std::shared_ptr<LoopMailbox> mailbox = std::make_shared<LoopMailbox>(64);
  DeliverySet deliveries{dispatcher, mailbox};
};

using Ids = std::vector<std::string>;

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
