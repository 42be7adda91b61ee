// A receiver's rate limit: so many deliveries in a time, and in one digest what had to wait.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/alerting/delivery/dispatcher_fixture.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

class Rates : public DispatcherTest {
 protected:
  Rates() { restart(); }

  // Two in ten seconds: oncall takes groups, chat does not.
  void restart() {
    make({{.name = "oncall", .fallback = "", .takes_groups = true, .rate_limit = RateLimit{2, 10s}},
          {.name = "chat", .fallback = "", .rate_limit = RateLimit{2, 10s}}});
  }
  void add(const std::string& id, Level level = Level::warning, const std::string& receiver = "oncall") {
    enqueue({.id = id, .alert = "of " + id, .receiver = receiver, .level = level});
  }
  void use_up() {
    for (const std::string id : {"x1", "x2"}) {
      add(id);
      EXPECT_THAT(due(), ElementsAre(id));
      deliver(id);
    }
  }
  std::vector<std::string> alerts_of_only() const {
    std::vector<std::string> ids;
    for (const auto& n : taken_.at(0).alerts) ids.push_back(n.id);
    return ids;
  }
};

TEST_F(Rates, WhatIsAboveTheLimitWaitsForRoomAndGoesInOneDigest) {
  use_up();
  for (const std::string id : {"n1", "n2", "n3"}) add(id);
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_EQ(dispatcher_->next_due(), now_ + 5s);
  EXPECT_EQ(status().rate_limited, 1);
  now_ += 4999ms;
  EXPECT_THAT(due(), IsEmpty());
  now_ += 1ms;
  EXPECT_THAT(due(), ElementsAre(StartsWith("digest-")));
  EXPECT_TRUE(taken_[0].digest);
  EXPECT_THAT(alerts_of_only(), ElementsAre("n1", "n2", "n3"));
  deliver(taken_[0].id);
  EXPECT_EQ(status().digests, 1);
  EXPECT_EQ(status().delivered, 5);
  EXPECT_EQ(status().deliveries, 3);
}

TEST_F(Rates, OneThatWaitedAloneIsNoDigest) {
  use_up();
  add("n1");
  due();
  now_ += 5s;
  EXPECT_THAT(due(), ElementsAre("n1"));
  EXPECT_FALSE(taken_[0].digest);
  deliver("n1");
  now_ += 10s;
  add("n2");
  add("n3");
  EXPECT_THAT(due(), ElementsAre("n2")) << "below the limit each is told by itself";
}

TEST_F(Rates, ADigestIsTheSameOverRetriesAndRestarts) {
  use_up();
  add("n1");
  add("n2");
  due();
  now_ += 5s;
  const auto id = due();
  finish(id[0], http_500);
  add("n3");
  now_ += 1h;
  restart();
  EXPECT_EQ(due(), id);
  EXPECT_TRUE(taken_[0].digest);
  EXPECT_THAT(alerts_of_only(), ElementsAre("n1", "n2"));
}

TEST_F(Rates, AReceiverOfSingleMessagesGetsTheWorstFirst) {
  for (const std::string id : {"x1", "x2"}) {
    add(id, Level::warning, "chat");
    due();
    deliver(id, "chat");
  }
  add("w1", Level::warning, "chat");
  add("c1", Level::critical, "chat");
  add("c2", Level::critical, "chat");
  std::vector<std::string> order;
  while (dispatcher_->queued() > 0) {
    due();
    now_ = std::max(now_, dispatcher_->next_due().value_or(now_));
    for (const auto& id : due()) {
      order.push_back(id);
      deliver(id, "chat");
    }
  }
  EXPECT_THAT(order, ElementsAre("c1", "c2", "w1"));
}

TEST_F(Rates, WhatFailedDoesNotCount) {
  add("n1");
  due();
  finish("n1", http_500);
  now_ += 2s;
  due();
  deliver("n1");
  add("n2");
  EXPECT_THAT(due(), ElementsAre("n2"));
}

TEST_F(Rates, AreKeptOverARestart) {
  use_up();
  restart();
  add("n1");
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_EQ(dispatcher_->next_due(), now_ + 5s);
  EXPECT_THAT(outbox_.load()->states, SizeIs(1));
  make({{"oncall", "", 100}});
  EXPECT_THAT(due(), ElementsAre("n1")) << "without a limit nothing waits";
  EXPECT_THAT(outbox_.load()->states, IsEmpty());
}

TEST_F(Rates, ALimitThatAReloadTakesAwayHoldsNothingBack) {
  use_up();
  add("n1");
  EXPECT_THAT(due(), IsEmpty());
  ASSERT_TRUE(dispatcher_->reload({{"oncall", "", 100}}, now_, wall_));
  EXPECT_THAT(due(), ElementsAre("n1"));
}

TEST_F(Rates, ALargerLimitIsInForceAtOnce) {
  make({{.name = "oncall", .rate_limit = RateLimit{1, 10h}}});
  add("n1");
  EXPECT_THAT(due(), ElementsAre("n1"));
  deliver("n1");
  add("n2");
  EXPECT_THAT(due(), IsEmpty());
  ASSERT_TRUE(dispatcher_->reload({{.name = "oncall", .rate_limit = RateLimit{20, 1min}}}, now_, wall_));
  now_ += 3s;
  EXPECT_THAT(due(), ElementsAre("n2"));
}

TEST_F(Rates, ARefusedDigestGoesOnInHalvesAndWhatIsWorseBeforeThem) {
  use_up();
  for (const std::string id : {"n1", "n2", "n3", "n4", "n5"}) add(id);
  due();
  now_ += 5s;
  finish(due().at(0), Rejected{"HTTP 413"});
  add("n6", Level::critical);
  std::vector<std::vector<std::string>> order;
  while (dispatcher_->queued() > 0) {
    due();
    now_ = std::max(now_, dispatcher_->next_due().value_or(now_));
    const auto ids = due();
    ASSERT_THAT(ids, SizeIs(1));
    order.push_back(alerts_of_only());
    deliver(ids[0]);
  }
  EXPECT_THAT(order, ElementsAre(ElementsAre("n6"), ElementsAre("n1", "n2", "n3"), ElementsAre("n4", "n5")));
  EXPECT_EQ(status().digests, 2);
}

TEST_F(Rates, ADigestThatCannotHoldAllTakesTheWorst) {
  use_up();
  for (std::size_t i = 0; i < max_alerts_per_delivery; ++i) add("n" + std::to_string(i));
  add("late", Level::critical);
  due();
  now_ += 5s;
  due();
  EXPECT_THAT(taken_.at(0).alerts, SizeIs(max_alerts_per_delivery));
  EXPECT_EQ(alerts_of_only().back(), "late");
}

}  // namespace
}  // namespace sidewatch
