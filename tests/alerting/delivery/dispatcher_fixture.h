// A dispatcher over an outbox in memory, two receivers ("chat" falls back to "oncall"), and a clock that the test moves.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "alerting/dispatcher.h"
#include "tests/support/notifications.h"

namespace sidewatch {

inline const RetryLater http_500{"HTTP 500", std::nullopt, false, false};
inline const RetryLater timed_out{"timed out", std::nullopt, false, false};

class DispatcherTest : public testing::Test {
 protected:
  DispatcherTest() { make({{"oncall", "", 100}, {"chat", "oncall", 100}}); }

  void make(std::vector<DispatchTarget> targets) {
    auto loaded = outbox_.load();
    dispatcher_ = std::make_unique<Dispatcher>(outbox_, *loaded, std::move(targets), [] { return 0.5; }, now_);
  }

  void enqueue(const NotificationOf& of) {
    ASSERT_TRUE(dispatcher_->enqueue({make_notification(of)}, {}, now_));
  }

  std::vector<std::string> due() {
    std::vector<std::string> ids;
    taken_ = dispatcher_->due(now_);
    for (const auto& delivery : taken_) ids.push_back(delivery.id);
    return ids;
  }
  const Notification& only() const { return taken_.at(0).first(); }

  void finish(const std::string& id, const Attempt& attempt, const std::string& receiver = "oncall") {
    ASSERT_TRUE(dispatcher_->finished(receiver, id, attempt, now_, wall_));
  }
  void deliver(const std::string& id, const std::string& receiver = "oncall") { finish(id, Delivered{}, receiver); }

  ReceiverStatus status(const std::string& receiver = "oncall") {
    for (const auto& each : dispatcher_->statuses()) {
      if (each.name == receiver) return each;
    }
    return {};
  }
  std::vector<std::string> on_disk() {
    std::vector<std::string> ids;
    const auto loaded = outbox_.load();
    for (const auto& entry : loaded->pending) ids.push_back(entry.notification.id);
    return ids;
  }

  Outbox outbox_ = Outbox::in_memory();
  std::unique_ptr<Dispatcher> dispatcher_;
  std::vector<Delivery> taken_;
  Time now_ = time_at_ms(1'000'000);
  WallTime wall_{Duration(1'772'366'400'000)};
};

}  // namespace sidewatch
