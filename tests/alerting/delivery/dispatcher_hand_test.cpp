// What people see of the queues and do to them by hand.
#include <gmock/gmock.h>

#include <chrono>

#include "tests/alerting/delivery/dispatcher_fixture.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DispatcherHand : public DispatcherTest {
 protected:
  // Of each message: id, why it waits, and for how many seconds still.
  std::vector<std::string> seen(const Chosen& which = {}, std::size_t most = 100) {
    std::vector<std::string> lines;
    for (const auto& each : dispatcher_->waiting(which, most, now_)) {
      std::string line = each.notification.id + " " + std::string(to_string(each.waits));
      if (each.until) line += " " + std::to_string((*each.until - now_) / 1s);
      lines.push_back(std::move(line));
    }
    return lines;
  }

  void enqueue_in_group(const std::string& id, const std::string& alert) {
    Notification notification = make_notification({.id = id, .alert = alert});
    notification.routing.group = "g";
    notification.routing.group_wait = 30s;
    ASSERT_TRUE(dispatcher_->enqueue({std::move(notification)}, {}, now_));
  }

  // Of n1 and n2, about a1 and a2; it waits for an hour. Its id.
  std::string fail_a_delivery_of_two() {
    make({{.name = "oncall", .takes_groups = true}});
    enqueue_in_group("n1", "a1");
    enqueue_in_group("n2", "a2");
    now_ += 30s;
    const std::string id = due().at(0);
    finish(id, RetryLater{"timed out", Duration(1h), false, false});
    return id;
  }

  // As a process that begins anew sees it.
  void restart() { make({{"oncall", "", 100}, {"chat", "oncall", 100}}); }
};

TEST_F(DispatcherHand, ShowsWhatWaitsAndForWhat) {
  enqueue({.id = "n1"});
  enqueue({.id = "n2", .alert = "a2"});
  EXPECT_THAT(seen(), ElementsAre("n1 next", "n2 next"));
  due();
  EXPECT_THAT(seen(), ElementsAre("n1 under_way", "n2 next"));
  finish("n1", http_500);
  EXPECT_THAT(seen(), ElementsAre(HasSubstr("n1 receiver_paused"), HasSubstr("n2 receiver_paused")));
  const auto first = dispatcher_->waiting({.id = "n1"}, 10, now_);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].attempts, 1);
  EXPECT_EQ(first[0].until, status().paused_until);
  finish("n1", http_500);  // of nothing that is under way
  now_ = *status().paused_until;
  EXPECT_THAT(seen(), ElementsAre("n1 next", "n2 next"));
}

TEST_F(DispatcherHand, ShowsThatAMessageWaitsForTheOneBeforeItOrForASilence) {
  dispatcher_->set_hold_back([this](const Notification& n, Time) -> std::optional<Time> {
    if (n.alert_key != "quiet") return std::nullopt;
    return now_ + 60s;
  });
  enqueue({.id = "n1"});
  enqueue({.id = "n2", .incident = "a1/2"});
  enqueue({.id = "n3", .alert = "quiet"});
  EXPECT_THAT(seen(), ElementsAre("n1 next", "n2 behind", "n3 held 60"));
}

TEST_F(DispatcherHand, ShowsThatAMessageWaitsForItsGroupOrForTheRateLimit) {
  make({{.name = "oncall", .takes_groups = true, .rate_limit = RateLimit{1, 60s}}});
  enqueue_in_group("n1", "a1");
  EXPECT_THAT(seen(), ElementsAre("n1 group 30"));
  now_ += 30s;
  due();
  deliver("n1");
  enqueue({.id = "n2", .alert = "a2"});
  EXPECT_THAT(seen(), ElementsAre("n2 rate_limit 60"));
}

TEST_F(DispatcherHand, ShowsOfEachReceiverNoMoreThanWasAskedFor) {
  for (int i = 0; i < 5; ++i) enqueue({.id = "n" + std::to_string(i), .alert = "a" + std::to_string(i)});
  enqueue({.id = "c1", .receiver = "chat"});
  EXPECT_THAT(seen({}, 2), ElementsAre("n0 next", "n1 next", "c1 next"));
  EXPECT_THAT(seen({.receiver = "chat"}), ElementsAre("c1 next"));
  EXPECT_THAT(seen({.receiver = "nobody"}), IsEmpty());
}

TEST_F(DispatcherHand, TriesNowWhatWaitedForABackoff) {
  enqueue({.id = "n1"});
  enqueue({.id = "n2", .alert = "a2"});
  due();
  finish("n1", RetryLater{"HTTP 429", Duration(1h), true, false});
  EXPECT_THAT(due(), IsEmpty());
  const auto tried = dispatcher_->try_now({.receiver = "oncall"}, now_);
  EXPECT_EQ(tried.due, 2U);
  EXPECT_EQ(status().paused_until, std::nullopt);
  EXPECT_EQ(dispatcher_->next_due(), now_);
  EXPECT_THAT(due(), ElementsAre("n1"));
  deliver("n1");
  EXPECT_THAT(due(), ElementsAre("n2"));
}

TEST_F(DispatcherHand, TriesOneMessageNowAndLeavesTheOthersTheirBackoff) {
  enqueue({.id = "n1"});
  enqueue({.id = "n2", .alert = "a2"});
  for (const auto* id : {"n1", "n2"}) {
    now_ += 10s;
    due();
    finish(id, RetryLater{"timed out", Duration(1h), false, false});
  }
  EXPECT_EQ(dispatcher_->try_now({.id = "n2"}, now_).due, 1U);
  EXPECT_THAT(due(), ElementsAre("n2"));
  deliver("n2");
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_THAT(seen(), ElementsAre(HasSubstr("n1 retry 3590")));
}

TEST_F(DispatcherHand, TriesWithOneOfADeliveryOfSeveralTheWholeOfItUnderItsId) {
  const std::string id = fail_a_delivery_of_two();
  EXPECT_EQ(dispatcher_->try_now({.id = "n2"}, now_).due, 1U);
  EXPECT_THAT(due(), ElementsAre(id));
  EXPECT_EQ(taken_[0].alerts.size(), 2U);
}

TEST_F(DispatcherHand, TriesTheWholeOfADeliveryAlsoWhereOneOfItOnlyStandsBeforeTheChosenMessage) {
  const std::string id = fail_a_delivery_of_two();
  enqueue({.id = "n3", .alert = "a1", .incident = "a1/2"});
  EXPECT_EQ(dispatcher_->try_now({.id = "n3"}, now_).due, 1U);
  EXPECT_THAT(due(), ElementsAre(id));
  EXPECT_EQ(taken_[0].alerts.size(), 2U) << "one id, one content";
}

TEST_F(DispatcherHand, DoesNotWaitForTheGroupAnyMore) {
  make({{.name = "oncall", .takes_groups = true}});
  enqueue_in_group("n1", "a1");
  dispatcher_->try_now({}, now_);
  EXPECT_THAT(due(), ElementsAre("n1"));
}

TEST_F(DispatcherHand, TriesNothingThatASilenceHoldsBackOrThatIsUnderWay) {
  dispatcher_->set_hold_back([this](const Notification& n, Time) -> std::optional<Time> {
    if (n.alert_key != "quiet") return std::nullopt;
    return now_ + 60s;
  });
  enqueue({.id = "n1"});
  enqueue({.id = "n2", .alert = "quiet"});
  due();
  const auto tried = dispatcher_->try_now({}, now_);
  EXPECT_EQ(tried.due, 0U);
  EXPECT_EQ(tried.under_way, 1U);
  EXPECT_EQ(tried.held, 1U);
  deliver("n1");
  EXPECT_THAT(due(), IsEmpty());
}

TEST_F(DispatcherHand, WhatIsDroppedIsGoneForGoodAndCounted) {
  enqueue({.id = "n1"});
  enqueue({.id = "n2", .alert = "a2"});
  const auto dropped = dispatcher_->discard({.id = "n1"}, 10, wall_);
  EXPECT_TRUE(dropped.stored);
  EXPECT_EQ(dropped.messages, 1U);
  EXPECT_EQ(status().discarded, 1);
  EXPECT_EQ(status().dropped, 0);
  EXPECT_EQ(outbox_.dead_letter_count(), 0U);
  EXPECT_THAT(on_disk(), ElementsAre("n2"));
  restart();
  EXPECT_THAT(due(), ElementsAre("n2"));
}

TEST_F(DispatcherHand, DropsNothingThatIsUnderWayAndNoMoreThanWasAskedFor) {
  for (int i = 0; i < 5; ++i) enqueue({.id = "n" + std::to_string(i), .alert = "a" + std::to_string(i)});
  due();
  const auto dropped = dispatcher_->discard({.receiver = "oncall"}, 3, wall_);
  EXPECT_EQ(dropped.messages, 3U);
  EXPECT_EQ(dropped.under_way, 1U);
  EXPECT_EQ(dropped.left, 1U);
  EXPECT_THAT(on_disk(), ElementsAre("n0", "n4"));
}

TEST_F(DispatcherHand, TheEndOfWhatWasDroppedBeforeAnybodyHeardOfItIsToldToNobody) {
  enqueue({.id = "n1"});
  dispatcher_->discard({.id = "n1"}, 10, wall_);
  enqueue({.id = "n2", .reason = Reason::resolved});
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_EQ(dispatcher_->queued(), 0U);
}

TEST_F(DispatcherHand, ADroppedEndIsOwedToNobodyAnyMore) {
  enqueue({.id = "n1"});
  due();
  deliver("n1");
  enqueue({.id = "n2", .reason = Reason::resolved});
  dispatcher_->discard({.id = "n2"}, 10, wall_);
  EXPECT_FALSE(dispatcher_->told("oncall", "a1/1"));
  restart();
  EXPECT_FALSE(dispatcher_->told("oncall", "a1/1"));
  EXPECT_EQ(dispatcher_->queued(), 0U);
}

TEST_F(DispatcherHand, AReopenedOutboxShowsTheSame) {
  enqueue({.id = "n1"});
  enqueue({.id = "n2", .alert = "a2"});
  due();
  finish("n1", http_500);
  restart();
  EXPECT_THAT(seen(), ElementsAre("n1 next", "n2 next"));
  EXPECT_EQ(dispatcher_->waiting({.id = "n1"}, 1, now_)[0].attempts, 1);
}

TEST_F(DispatcherHand, TheEndOfWhatWasDroppedIsToldWhereTheBeginningMayHaveArrived) {
  enqueue({.id = "n1"});
  enqueue({.id = "n2", .alert = "a2"});
  due();
  finish("n1", timed_out);
  EXPECT_EQ(dispatcher_->discard({.receiver = "oncall"}, 10, wall_).messages, 2U);
  make({{"oncall", "", 100}});
  enqueue({.id = "n3", .reason = Reason::resolved});
  enqueue({.id = "n4", .alert = "a2", .reason = Reason::resolved});
  EXPECT_THAT(due(), ElementsAre("n3"));
  EXPECT_EQ(only().reason, Reason::fired_and_resolved);
  deliver("n3");
  EXPECT_THAT(due(), IsEmpty()) << "nobody can have heard of n2";
  EXPECT_THAT(outbox_.load()->told, IsEmpty());
}

TEST_F(DispatcherHand, WhoIsToldAfterAllHearsTheEndAlone) {
  enqueue({.id = "n1"});
  due();
  finish("n1", timed_out);
  dispatcher_->discard({.receiver = "oncall"}, 10, wall_);
  enqueue({.id = "n2", .reason = Reason::escalated, .level = Level::critical});
  now_ += 1h;
  due();
  deliver("n2");
  enqueue({.id = "n3", .reason = Reason::resolved});
  EXPECT_THAT(due(), ElementsAre("n3"));
  EXPECT_EQ(only().reason, Reason::resolved);
}

}  // namespace
}  // namespace sidewatch
