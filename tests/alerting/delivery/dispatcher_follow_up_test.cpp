// Messages to receivers that no route chose: only who has heard of an incident hears how it goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/alerting/delivery/dispatcher_fixture.h"

namespace sidewatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

enum class Role { chosen, follows };

class FollowUps : public DispatcherTest {
 protected:
  // A message to both, as the engine makes them: o<number> for oncall, c<number> for chat.
  void tell(const std::string& number, Reason reason, Role oncall, Role chat, bool tells_end = true) {
    auto first = make_notification({.id = "o" + number, .reason = reason, .level = Level::critical});
    auto second = make_notification({.id = "c" + number, .receiver = "chat", .reason = reason, .level = Level::critical});
    first.routing.follow_up = oncall == Role::follows;
    second.routing.follow_up = chat == Role::follows;
    first.routing.tells_end = second.routing.tells_end = tells_end;
    first.created_at = second.created_at = first.created_at + std::chrono::minutes(++told_);
    ASSERT_TRUE(dispatcher_->enqueue({first, second}, {}, now_));
  }
  void restart() { make({{"oncall", "", 100}, {"chat", "oncall", 100}}); }

  int told_ = 0;
};

TEST_F(FollowUps, AreNotToldToWhoHasNotHeardOfTheIncident) {
  tell("1", Reason::fired, Role::chosen, Role::follows);
  EXPECT_THAT(due(), ElementsAre("o1"));
  deliver("o1");
  tell("2", Reason::resolved, Role::chosen, Role::follows);
  EXPECT_THAT(due(), ElementsAre("o2"));
  deliver("o2");
  EXPECT_THAT(on_disk(), IsEmpty());
}

TEST_F(FollowUps, TellWhoHeardOfTheIncidentHowItGoesOnAndEnds) {
  tell("1", Reason::fired, Role::chosen, Role::follows);
  due();
  deliver("o1");
  restart();
  tell("2", Reason::deescalated, Role::follows, Role::chosen);
  EXPECT_THAT(due(), ElementsAre("o2", "c2"));
  deliver("o2");
  deliver("c2", "chat");
  tell("3", Reason::resolved, Role::follows, Role::chosen);
  EXPECT_THAT(due(), ElementsAre("o3", "c3"));
}

TEST_F(FollowUps, BecomeOneWithABeginningThatIsStillWaiting) {
  enqueue({.id = "x", .alert = "other"});
  due();  // oncall is busy
  tell("1", Reason::fired, Role::chosen, Role::follows);
  tell("2", Reason::resolved, Role::follows, Role::follows);
  deliver("x");
  EXPECT_THAT(due(), ElementsAre("o2"));
  EXPECT_EQ(only().reason, Reason::fired_and_resolved);
}

TEST_F(FollowUps, GoWhereTheBeginningWasHandedTo) {
  tell("1", Reason::fired, Role::follows, Role::chosen);
  EXPECT_THAT(due(), ElementsAre("c1"));
  tell("2", Reason::resolved, Role::follows, Role::follows);  // oncall knows of nothing yet
  finish("c1", Rejected{"HTTP 400"}, "chat");
  EXPECT_THAT(due(), ElementsAre("c2-fallback"));
  EXPECT_EQ(only().reason, Reason::fired_and_resolved) << "beginning and end became one message";
  deliver("c2-fallback");
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_THAT(on_disk(), IsEmpty());
}

TEST_F(FollowUps, AFallbackThatFollowsAnywayGetsNoCopy) {
  tell("1", Reason::fired, Role::chosen, Role::follows);
  due();
  deliver("o1");
  tell("2", Reason::escalated, Role::follows, Role::chosen);
  EXPECT_THAT(due(), ElementsAre("o2", "c2"));
  finish("c2", Rejected{"HTTP 400"}, "chat");
  deliver("o2");
  EXPECT_THAT(due(), IsEmpty());
  tell("3", Reason::resolved, Role::follows, Role::chosen);
  EXPECT_THAT(due(), ElementsAre("o3"));
}

TEST_F(FollowUps, AFallbackThatGotTheBeginningHearsTheEndOnce) {
  tell("1", Reason::fired, Role::follows, Role::chosen);
  due();
  finish("c1", Rejected{"HTTP 400"}, "chat");
  EXPECT_THAT(due(), ElementsAre("c1-fallback"));
  deliver("c1-fallback");
  tell("2", Reason::resolved, Role::follows, Role::chosen);
  EXPECT_THAT(due(), ElementsAre("o2"));
  deliver("o2");
  EXPECT_THAT(due(), IsEmpty());
}

TEST_F(FollowUps, TheEndIsKeptFromWhoDoesNotWantIt) {
  tell("1", Reason::fired, Role::chosen, Role::chosen, false);
  EXPECT_THAT(due(), ElementsAre("o1", "c1"));
  deliver("o1");
  deliver("c1", "chat");
  restart();
  tell("2", Reason::deescalated, Role::follows, Role::chosen);  // chat: by another route, which tells the end
  due();
  deliver("o2");
  deliver("c2", "chat");
  tell("3", Reason::resolved, Role::follows, Role::chosen);
  EXPECT_THAT(due(), ElementsAre("c3"));
  deliver("c3", "chat");
  EXPECT_THAT(on_disk(), IsEmpty());
  EXPECT_TRUE(outbox_.load()->told.empty()) << "nothing is remembered of what is over";
}

TEST_F(FollowUps, TheEndIsNotWantedEitherWhenItComesWhileTheBeginningIsUnderWay) {
  make({{"oncall", "", 100}, {.name = "chat", .fallback = "oncall", .send_resolved = false}});
  tell("1", Reason::fired, Role::chosen, Role::chosen);
  due();
  tell("2", Reason::resolved, Role::chosen, Role::chosen);
  deliver("o1");
  deliver("c1", "chat");
  EXPECT_THAT(due(), UnorderedElementsAre("o2"));
}

TEST_F(FollowUps, AFallbackThatIsHandedWhatIsRefusedHearsTheEndThatCameMeanwhile) {
  tell("1", Reason::fired, Role::follows, Role::chosen);
  due();
  deliver("c1", "chat");
  tell("2", Reason::escalated, Role::follows, Role::chosen);
  due();
  tell("3", Reason::resolved, Role::follows, Role::chosen);  // oncall knows of nothing
  finish("c2", Rejected{"HTTP 400"}, "chat");
  EXPECT_THAT(due(), ElementsAre("c3-fallback", "c3"));
  EXPECT_EQ(only().reason, Reason::fired_and_resolved);
  finish("c3", Rejected{"HTTP 400"}, "chat");
  deliver("c3-fallback");
  EXPECT_THAT(due(), IsEmpty()) << "once";
}

TEST_F(FollowUps, AFallbackIsHandedNothingThatItsOwnMessageTells) {
  tell("1", Reason::fired, Role::follows, Role::chosen);
  due();
  finish("c1", Rejected{"HTTP 400"}, "chat");
  EXPECT_THAT(due(), ElementsAre("c1-fallback"));
  finish("c1-fallback", timed_out);
  tell("2", Reason::escalated, Role::follows, Role::chosen);  // takes in what waits
  EXPECT_THAT(due(), ElementsAre("c2"));
  finish("c2", Rejected{"HTTP 400"}, "chat");
  now_ += std::chrono::hours(1);
  EXPECT_THAT(due(), ElementsAre("o2"));
  deliver("o2");
  EXPECT_THAT(due(), IsEmpty());
}

TEST_F(FollowUps, AFallbackThatIsToldTheEndGetsNoCopyOfOneThatTookInWhatItDoesNotKnow) {
  tell("1", Reason::fired, Role::follows, Role::chosen);
  due();
  finish("c1", Rejected{"HTTP 400"}, "chat");
  EXPECT_THAT(due(), ElementsAre("c1-fallback"));
  finish("c1-fallback", timed_out);
  now_ += std::chrono::hours(1);
  EXPECT_THAT(due(), ElementsAre("c1-fallback"));
  finish("c1-fallback", Rejected{"HTTP 400"});  // it may have heard of it all the same
  tell("2", Reason::escalated, Role::follows, Role::chosen);
  EXPECT_THAT(due(), ElementsAre("c2"));
  finish("c2", timed_out, "chat");
  tell("3", Reason::resolved, Role::follows, Role::chosen);
  now_ += std::chrono::hours(1);
  EXPECT_THAT(due(), ElementsAre("o3", "c3"));
  deliver("o3");
  finish("c3", Rejected{"HTTP 400"}, "chat");
  EXPECT_THAT(due(), IsEmpty()) << "o3 told it all";
}

TEST_F(FollowUps, AFallbackIsNotHandedWhatIsOlderThanItsOwnMessage) {
  tell("1", Reason::fired, Role::follows, Role::chosen);
  due();
  finish("c1", Rejected{"HTTP 400"}, "chat");
  due();
  finish("c1-fallback", timed_out);
  now_ += std::chrono::hours(1);
  due();
  finish("c1-fallback", Rejected{"HTTP 400"});  // it may have heard of it all the same
  tell("2", Reason::escalated, Role::follows, Role::chosen);
  EXPECT_THAT(due(), ElementsAre("c2"));
  tell("3", Reason::resolved, Role::follows, Role::chosen);
  finish("c2", Rejected{"HTTP 400"}, "chat");
  EXPECT_THAT(due(), ElementsAre("o3"));
  EXPECT_EQ(only().reason, Reason::fired_and_resolved);
  EXPECT_EQ(only().level, Level::ok) << "no problem behind its end";
  deliver("o3");
  EXPECT_THAT(due(), IsEmpty());
}

TEST_F(FollowUps, AFallbackThatHasHeardThatTheAlertFiresAnewIsNotHandedTheIncidentBefore) {
  enqueue({.id = "c1", .incident = "a1/1", .receiver = "chat"});
  due();
  finish("c1", timed_out, "chat");
  enqueue({.id = "c2", .incident = "a1/1", .receiver = "chat", .reason = Reason::resolved});
  enqueue({.id = "o3", .incident = "a1/2"});
  EXPECT_THAT(due(), ElementsAre("o3"));
  deliver("o3");
  now_ += std::chrono::hours(1);
  EXPECT_THAT(due(), ElementsAre("c2"));
  EXPECT_EQ(only().reason, Reason::fired_and_resolved);
  finish("c2", Rejected{"HTTP 400"}, "chat");
  EXPECT_THAT(due(), IsEmpty()) << "who knows an alert by its labels would take it for over";
  EXPECT_EQ(outbox_.dead_letter_count(), 1U);
}

}  // namespace
}  // namespace sidewatch
