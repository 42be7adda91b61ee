// A DeliverySet over an outbox in memory, receivers that do as a test says, and a clock that the test moves.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "agent/delivery_set.h"
#include "alerting/outbox.h"
#include "tests/agent/scripted.h"
#include "tests/support/notifications.h"

namespace sidewatch {

inline const WallTime wall{start_of_test.time_since_epoch()};

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

inline AlertView firing(const std::string& alert) {
  AlertView view;
  view.rule = "HostMemoryHigh";
  view.key = alert;
  view.incident = alert + "/1";
  view.firing = view.announced = true;
  view.level = Level::warning;
  return view;
}

// "again-<time>-<alert>" is told of the alert and those behind it.
inline std::vector<std::string> alerts_of(std::vector<std::string> ids) {
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
    forgetful.resend_every = std::chrono::seconds(60);
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

}  // namespace sidewatch
