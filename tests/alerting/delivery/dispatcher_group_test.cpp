// What goes together in one delivery, when, and under which id.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/alerting/delivery/dispatcher_fixture.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

class Groups : public DispatcherTest {
 protected:
  Groups() { restart(); }

  void restart() {
    make({{.name = "oncall", .fallback = "", .takes_groups = true}, {.name = "chat", .fallback = ""}});
  }
  void add(const std::string& id, const std::string& alert, Duration wait = 0s, const std::string& group = "g",
           Reason reason = Reason::fired, const std::string& receiver = "oncall") {
    Notification n = make_notification({.id = id, .alert = alert, .receiver = receiver, .reason = reason});
    n.routing.group = group;
    n.routing.group_labels = Labels{{"host", group}};
    n.routing.group_wait = wait;
    ASSERT_TRUE(dispatcher_->enqueue({n}, {}, now_));
  }
  std::vector<std::string> alerts_of_only() const {
    std::vector<std::string> ids;
    for (const auto& n : taken_.at(0).alerts) ids.push_back(n.id);
    return ids;
  }
};

TEST_F(Groups, MessagesOfOneGroupThatAreDueGoTogether) {
  add("n1", "a");
  add("n2", "b", 0s, "other");
  add("n3", "c");
  EXPECT_THAT(due(), ElementsAre(StartsWith("group-")));
  EXPECT_THAT(alerts_of_only(), ElementsAre("n1", "n3"));
  EXPECT_EQ(taken_[0].group_labels, (Labels{{"host", "g"}}));
  EXPECT_EQ(status().in_flight, 2u);
  deliver(taken_[0].id);
  EXPECT_EQ(status().delivered, 2);
  EXPECT_EQ(status().grouped, 2);
  EXPECT_EQ(status().deliveries, 1);
  EXPECT_THAT(due(), ElementsAre("n2"));
  EXPECT_THAT(on_disk(), ElementsAre("n2"));
}

TEST_F(Groups, AReceiverOfSingleMessagesGetsThemOneByOneAndAtOnce) {
  add("n1", "a", 30s, "g", Reason::fired, "chat");
  add("n2", "b", 30s, "g", Reason::fired, "chat");
  EXPECT_THAT(due(), ElementsAre("n1"));
  deliver("n1", "chat");
  EXPECT_THAT(due(), ElementsAre("n2"));
}

TEST_F(Groups, TheFirstOfAGroupWaitsForOthers) {
  add("n1", "a", 30s);
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_EQ(dispatcher_->next_due(), now_ + 30s);
  now_ += 20s;
  add("n2", "b", 30s);
  add("n3", "c", 30s, "other");
  now_ += 10s;
  EXPECT_THAT(due(), SizeIs(1));
  EXPECT_THAT(alerts_of_only(), ElementsAre("n1", "n2"));
  deliver(taken_[0].id);
  EXPECT_THAT(due(), IsEmpty());
  add("n4", "d", 30s);
  EXPECT_EQ(dispatcher_->next_due(), now_ + 20s) << "the other group";
  now_ += 20s;
  EXPECT_THAT(due(), ElementsAre("n3"));
  deliver("n3");
  EXPECT_EQ(dispatcher_->next_due(), now_ + 10s) << "the next of the group waits anew";
}

TEST_F(Groups, AnAlertThatIsOverBeforeItsGroupGoesIsToldInOne) {
  add("n1", "a", 30s);
  add("n2", "b", 30s);
  now_ += 10s;
  add("n3", "a", 30s, "g", Reason::resolved);
  now_ += 20s;
  due();
  EXPECT_THAT(alerts_of_only(), ElementsAre("n2", "n3"));
  EXPECT_EQ(taken_[0].alerts[1].reason, Reason::fired_and_resolved);
}

TEST_F(Groups, WhatWasTriedTogetherStaysTogetherOverRetriesAndRestarts) {
  add("n1", "a");
  add("n2", "b");
  const auto id = due();
  finish(id[0], http_500);
  add("n3", "c");
  now_ += 1h;
  EXPECT_THAT(due(), ElementsAre("n3")) << "whose time came first";
  finish("n3", http_500);
  now_ += 1h;
  EXPECT_EQ(due()[0], id[0]);
  EXPECT_THAT(alerts_of_only(), ElementsAre("n1", "n2"));
  restart();  // while it is under way
  EXPECT_EQ(due()[0], id[0]);
  EXPECT_THAT(alerts_of_only(), ElementsAre("n1", "n2"));
  deliver(id[0]);
  EXPECT_THAT(due(), ElementsAre("n3"));
}

TEST_F(Groups, OneThatWasTriedAloneStaysAlone) {
  add("n1", "a");
  EXPECT_THAT(due(), ElementsAre("n1"));
  finish("n1", http_500);
  add("n2", "b");
  restart();  // both are due now
  EXPECT_THAT(due(), ElementsAre("n1"));
  EXPECT_THAT(alerts_of_only(), ElementsAre("n1"));
  restart();
  EXPECT_THAT(due(), ElementsAre("n1"));
}

TEST_F(Groups, TheyPartWhenOneBecomesAPartOfALaterMessage) {
  add("n1", "a");
  add("n2", "b");
  const auto id = due();
  finish(id[0], http_500);
  add("n3", "a", 0s, "g", Reason::escalated);
  restart();
  const auto next = due();
  EXPECT_THAT(next, ElementsAre(StartsWith("group-")));
  EXPECT_NE(next[0], id[0]);
  EXPECT_THAT(alerts_of_only(), ElementsAre("n2", "n3"));
}

TEST_F(Groups, OneThatIsRefusedForGoodIsTakenApartAndOnlyTheGuiltyOneIsLost) {
  add("n1", "a");
  add("n2", "b");
  finish(due()[0], Rejected{"HTTP 400"});
  EXPECT_EQ(status().rejected, 0);
  EXPECT_THAT(due(), ElementsAre("n1"));
  finish("n1", Rejected{"HTTP 400"});
  restart();
  EXPECT_THAT(due(), ElementsAre("n2"));
  deliver("n2");
  EXPECT_EQ(outbox_.dead_letter_count(), 1u);
}

TEST_F(Groups, ALargeOneThatIsRefusedForGoodIsHalvedUntilTheGuiltyOneIsFound) {
  for (int i = 0; i < 16; ++i) add("n" + std::to_string(i), "a" + std::to_string(i));
  int deliveries = 0;
  while (dispatcher_->queued() > 0) {
    const auto ids = due();
    ASSERT_THAT(ids, SizeIs(1));
    ++deliveries;
    const auto alerts = alerts_of_only();
    const bool guilty = std::find(alerts.begin(), alerts.end(), "n5") != alerts.end();
    if (deliveries == 2) {
      restart();  // while it is under way
      EXPECT_EQ(due(), ids) << "the same half";
    }
    finish(ids[0], guilty ? Attempt(Rejected{"HTTP 400"}) : Attempt(Delivered{}));
  }
  EXPECT_EQ(deliveries, 9) << "16 and eight halves";
  ASSERT_EQ(outbox_.dead_letter_count(), 1u);
  EXPECT_EQ(outbox_.dead_letters(1)[0].notification.id, "n5");
}

TEST_F(Groups, WhatIsRefusedTogetherGoesToTheFallbackTogetherAndAtOnce) {
  make({{.name = "oncall", .fallback = "chat", .takes_groups = true}, {.name = "chat", .takes_groups = true}});
  add("n1", "a", 30s);
  add("n2", "b", 30s);
  now_ += 30s;
  finish(due()[0], RetryLater{"HTTP 401", std::nullopt, true, true});
  EXPECT_THAT(due(), ElementsAre(StartsWith("group-")));
  EXPECT_EQ(taken_[0].receiver, "chat");
  EXPECT_THAT(alerts_of_only(), ElementsAre("n1-fallback", "n2-fallback"));
}

TEST_F(Groups, ADeliveryThatIsHandedBackIsTheSameTheNextTime) {
  add("n1", "a");
  add("n2", "b");
  const auto id = due();
  dispatcher_->hand_back("oncall", id[0]);
  add("n3", "c");
  EXPECT_EQ(due(), id);
}

TEST_F(Groups, MessagesOfOneAlertNeverGoTogether) {
  add("n1", "a");
  const Notification next = [&] {
    Notification n = make_notification({.id = "n2", .alert = "a", .incident = "a/2"});
    n.routing.group = "g";
    return n;
  }();
  ASSERT_TRUE(dispatcher_->enqueue({next}, {}, now_));
  EXPECT_THAT(due(), ElementsAre("n1"));
  EXPECT_THAT(alerts_of_only(), ElementsAre("n1"));
}

TEST_F(Groups, ADeliveryHoldsNoMoreThanItMay) {
  for (std::size_t i = 0; i <= max_alerts_per_delivery; ++i) add("n" + std::to_string(i), "a" + std::to_string(i));
  due();
  EXPECT_THAT(taken_.at(0).alerts, SizeIs(max_alerts_per_delivery));
  deliver(taken_[0].id);
  EXPECT_THAT(due(), ElementsAre("n" + std::to_string(max_alerts_per_delivery)));
}

TEST_F(Groups, AReceiverThatTakesNoGroupsAnyMoreGetsTheMessagesOneByOne) {
  add("n1", "a");
  add("n2", "b");
  finish(due()[0], http_500);
  make({{.name = "oncall", .fallback = ""}});
  EXPECT_THAT(due(), ElementsAre("n1"));
  deliver("n1");
  EXPECT_THAT(due(), ElementsAre("n2"));
}

TEST_F(Groups, AReceiverThatIsTakenAwayLosesWhatWasUnderWayTogether) {
  add("n1", "a");
  add("n2", "b");
  const auto id = due();
  ASSERT_TRUE(dispatcher_->reload({}, now_, wall_));
  finish(id[0], http_500);
  EXPECT_EQ(dispatcher_->queued(), 0u);
  EXPECT_EQ(outbox_.dead_letter_count(), 2u);
}

}  // namespace
}  // namespace sidewatch
