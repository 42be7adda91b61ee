// What of an incident is still waiting when its next message comes: they become one, and an end never goes alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/alerting/delivery/dispatcher_fixture.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

using DispatcherMerge = DispatcherTest;

TEST_F(DispatcherMerge, FiringAndResolvedBothWaitingBecomeOneMessageWithTheLaterId) {
  due();
  enqueue({.id = "x", .alert = "other"});
  due();  // oncall is busy
  enqueue({.id = "n1", .level = Level::critical});
  Notification end = make_notification({.id = "n2", .reason = Reason::resolved, .level = Level::warning});
  end.suppressed = 2;
  ASSERT_TRUE(dispatcher_->enqueue({end}, {}, now_));
  EXPECT_THAT(on_disk(), ElementsAre("x", "n2"));
  deliver("x");
  EXPECT_THAT(due(), ElementsAre("n2"));
  EXPECT_EQ(only().reason, Reason::fired_and_resolved);
  EXPECT_EQ(only().level, Level::ok);
  EXPECT_EQ(only().worst, Level::critical);
  EXPECT_EQ(only().duration, 12min);
  EXPECT_EQ(only().suppressed, 2);
  EXPECT_EQ(status().merged, 1);
  deliver("n2");
  EXPECT_EQ(dispatcher_->queued(), 0u);
}

TEST_F(DispatcherMerge, AMergedMessageIsOnDiskAsItIsSent) {
  enqueue({.id = "n1"});
  due();
  enqueue({.id = "n2", .reason = Reason::resolved});
  finish("n1", http_500);  // only now both wait
  const auto stored = outbox_.load()->pending;
  ASSERT_EQ(stored.size(), 1u);
  EXPECT_EQ(stored[0].notification.id, "n2");
  EXPECT_EQ(stored[0].notification.reason, Reason::fired_and_resolved);
  EXPECT_EQ(stored[0].attempts, 1);
  EXPECT_EQ(*dispatcher_->next_due(), now_ + 1500ms);  // the merged one waits as the failed one would have
}

TEST_F(DispatcherMerge, AnEndIsNotMergedIntoABeginningThatIsUnderWay) {
  enqueue({.id = "n1"});
  due();
  enqueue({.id = "n2", .reason = Reason::resolved});
  deliver("n1");
  EXPECT_THAT(due(), ElementsAre("n2"));
  EXPECT_EQ(only().reason, Reason::resolved);
}

TEST_F(DispatcherMerge, AnEscalationTakesInTheFiringThatWaits) {
  enqueue({.id = "x", .alert = "other"});
  due();
  enqueue({.id = "n1"});
  enqueue({.id = "n2", .reason = Reason::escalated, .level = Level::critical});
  deliver("x");
  EXPECT_THAT(due(), ElementsAre("n2"));
  EXPECT_EQ(only().reason, Reason::fired);  // the receiver has not heard of it yet
  EXPECT_EQ(only().level, Level::critical);
}

TEST_F(DispatcherMerge, ALaterUpdateTakesInAnEarlierOneOfAToldIncident) {
  enqueue({.id = "n1"});
  due();
  deliver("n1");
  enqueue({.id = "x", .alert = "other"});
  due();
  enqueue({.id = "n2", .reason = Reason::escalated, .level = Level::critical});
  enqueue({.id = "n3", .reason = Reason::deescalated, .level = Level::warning});
  deliver("x");
  EXPECT_THAT(due(), ElementsAre("n3"));
  EXPECT_EQ(only().reason, Reason::deescalated);
  EXPECT_EQ(only().worst, Level::critical);
}

TEST_F(DispatcherMerge, AnEndWhoseBeginningWasRefusedIsNeverSentAlone) {
  enqueue({.id = "n1"});
  due();
  finish("n1", Rejected{"HTTP 400"});
  enqueue({.id = "n2", .reason = Reason::resolved});
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_EQ(dispatcher_->queued(), 0u);
}

TEST_F(DispatcherMerge, AnEndThatWaitsBehindARefusedBeginningGoesWithIt) {
  enqueue({.id = "n1"});
  due();
  enqueue({.id = "n2", .reason = Reason::resolved});
  finish("n1", Rejected{"HTTP 400"});
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_THAT(on_disk(), IsEmpty());
}

TEST_F(DispatcherMerge, AnEscalationAfterARefusedFiringIsSentAndSoIsItsEnd) {
  enqueue({.id = "n1"});
  due();
  finish("n1", Rejected{"HTTP 400"});
  enqueue({.id = "n2", .reason = Reason::escalated, .level = Level::critical});
  EXPECT_THAT(due(), ElementsAre("n2"));
  deliver("n2");
  enqueue({.id = "n3", .reason = Reason::resolved});
  EXPECT_THAT(due(), ElementsAre("n3"));
}

TEST_F(DispatcherMerge, AFallbackThatIsToldAnywayGetsNoCopyOfWhatAnotherRefuses) {
  const auto both = [&](const std::string& number, Reason reason) {
    ASSERT_TRUE(dispatcher_->enqueue({make_notification({.id = "o" + number, .reason = reason}),
                                      make_notification({.id = "c" + number, .receiver = "chat", .reason = reason})},
                                     {}, now_));
  };
  both("1", Reason::fired);
  EXPECT_THAT(due(), UnorderedElementsAre("o1", "c1"));
  deliver("o1");
  dispatcher_->hand_back("chat", "c1");
  make({{"oncall", "", 100}, {"chat", "oncall", 100}});  // it is remembered over a restart
  EXPECT_THAT(due(), ElementsAre("c1"));
  finish("c1", Rejected{"HTTP 400"}, "chat");
  EXPECT_THAT(due(), IsEmpty());
  both("2", Reason::resolved);
  EXPECT_THAT(due(), ElementsAre("o2")) << "and one end";
  deliver("o2");
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_THAT(on_disk(), IsEmpty());
}

}  // namespace
}  // namespace sidewatch
