// Dead letters that are sent again: under their old id, and in agreement with what their receiver has heard.
#include <gmock/gmock.h>

#include <chrono>

#include "tests/alerting/delivery/dispatcher_fixture.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DispatcherDeadLetters : public DispatcherTest {
 protected:
  void refuse(const std::string& id, const std::string& receiver = "oncall") {
    ASSERT_THAT(due(), ElementsAre(id));
    finish(id, Rejected{"HTTP 400"}, receiver);
  }

  void enqueue_a_minute_later(const NotificationOf& of) {
    auto later = make_notification(of);
    later.created_at += 1min;
    ASSERT_TRUE(dispatcher_->enqueue({std::move(later)}, {}, now_));
  }

  static std::string as_told(Notification message) {
    message.routing = {};
    message.fallback_has_it = false;
    return encode(message);
  }

  // All of them, the oldest first.
  SentAgain send_again(const std::string& to = "") {
    auto letters = outbox_.dead_letters(100);
    std::reverse(letters.begin(), letters.end());
    const auto fires_now = [this](const std::string& alert) {
      return level_now_ == Level::ok ? std::nullopt : std::optional(FiresNow{alert + incident_now_, level_now_});
    };
    auto done = dispatcher_->send_again(letters, {to, fires_now}, now_, wall_);
    EXPECT_TRUE(done.stored);
    return done;
  }
  std::string why_it_stays(const std::string& to = "") {
    const std::size_t before = outbox_.dead_letter_count();
    const auto done = send_again(to);
    EXPECT_EQ(done.messages, 0U);
    EXPECT_EQ(outbox_.dead_letter_count(), before);
    return done.stays.empty() ? "(it went)" : done.stays[0].why;
  }
  // n1 tells the beginning, n3 both.
  void make_two_letters_of_what_is_over() {
    enqueue({.id = "n1"});
    refuse("n1");
    enqueue({.id = "n2", .reason = Reason::escalated, .level = Level::critical});
    enqueue({.id = "n3", .reason = Reason::resolved});
    refuse("n3");
    level_now_ = Level::ok;
  }
  void restart() { make({{"oncall", "", 100}, {"chat", "oncall", 100}}); }

  Level level_now_ = Level::warning;  // of whatever alert; ok: it does not fire
  std::string incident_now_ = "/1";
};

TEST_F(DispatcherDeadLetters, WaitAgainUnderTheirOldIdAlsoAfterARestart) {
  enqueue({.id = "n1"});
  refuse("n1");
  EXPECT_EQ(send_again().messages, 1U);
  EXPECT_EQ(outbox_.dead_letter_count(), 0U);
  restart();
  EXPECT_THAT(due(), ElementsAre("n1"));
  EXPECT_EQ(only().reason, Reason::fired);
  deliver("n1");
  EXPECT_THAT(on_disk(), IsEmpty());
  EXPECT_TRUE(dispatcher_->told("oncall", "a1/1"));
  enqueue({.id = "n2", .reason = Reason::resolved});
  EXPECT_THAT(due(), ElementsAre("n2")) << "its end follows";
}

TEST_F(DispatcherDeadLetters, GoBehindWhatWaitsAndInTheirOrder) {
  enqueue({.id = "n1"});
  refuse("n1");
  enqueue({.id = "n2", .alert = "a2"});
  refuse("n2");
  enqueue({.id = "n3", .alert = "a3"});
  EXPECT_EQ(send_again().messages, 2U);
  EXPECT_THAT(on_disk(), ElementsAre("n3", "n1", "n2"));
  for (const auto* id : {"n3", "n1", "n2"}) {
    EXPECT_THAT(due(), ElementsAre(id));
    deliver(id);
  }
}

TEST_F(DispatcherDeadLetters, EndTheReceiversPause) {
  enqueue({.id = "n1"});
  refuse("n1");
  enqueue({.id = "n2", .alert = "a2"});
  due();
  finish("n2", RetryLater{"HTTP 429", Duration(1h), true, false});
  send_again();
  EXPECT_THAT(due(), ElementsAre("n1"));
}

TEST_F(DispatcherDeadLetters, MayDieAgain) {
  enqueue({.id = "n1"});
  refuse("n1");
  send_again();
  refuse("n1");
  EXPECT_EQ(outbox_.dead_letter_count(), 1U);
  EXPECT_EQ(send_again().messages, 1U);
}

TEST_F(DispatcherDeadLetters, TellInOneWhatIsOverMeanwhile) {
  enqueue({.id = "n1"});
  refuse("n1");
  enqueue({.id = "n2", .reason = Reason::resolved});
  EXPECT_THAT(due(), IsEmpty()) << "nobody heard of the beginning";
  level_now_ = Level::ok;
  send_again();
  EXPECT_EQ(outbox_.dead_letter_count(), 0U);
  restart();
  EXPECT_THAT(due(), ElementsAre("n1-over")) << "who took n1 after all does not take this for the same";
  EXPECT_EQ(only().reason, Reason::fired_and_resolved);
  EXPECT_EQ(only().level, Level::ok);
  EXPECT_EQ(only().worst, Level::warning);
  EXPECT_EQ(only().ends_at, wall_);
  deliver("n1-over");
  EXPECT_FALSE(dispatcher_->told("oncall", "a1/1"));
}

TEST_F(DispatcherDeadLetters, TellTheEndOfWhatTheReceiverHeardOf) {
  enqueue({.id = "n1"});
  due();
  deliver("n1");
  enqueue({.id = "n2", .reason = Reason::resolved});
  refuse("n2");
  level_now_ = Level::ok;
  EXPECT_EQ(send_again().messages, 1U);
  restart();
  EXPECT_THAT(due(), ElementsAre("n2"));
  EXPECT_EQ(only().reason, Reason::resolved);
  deliver("n2");
  EXPECT_FALSE(dispatcher_->told("oncall", "a1/1"));
}

TEST_F(DispatcherDeadLetters, BecomeOneWhereTheyAreOfOneIncident) {
  enqueue({.id = "n1"});
  refuse("n1");
  enqueue_a_minute_later({.id = "n2", .reason = Reason::escalated, .level = Level::critical});
  refuse("n2");
  level_now_ = Level::critical;
  EXPECT_EQ(send_again().messages, 2U);
  EXPECT_THAT(due(), ElementsAre("n2-whole")) << "n2 may have arrived, and said something else";
  EXPECT_EQ(only().reason, Reason::fired) << "it is the first that the receiver hears of it";
  EXPECT_EQ(only().level, Level::critical);
}

TEST_F(DispatcherDeadLetters, StayWhereTheReceiverKnowsBetter) {
  enqueue({.id = "n1"});
  refuse("n1");
  enqueue_a_minute_later({.id = "n2", .reason = Reason::escalated, .level = Level::critical});
  level_now_ = Level::critical;
  EXPECT_THAT(why_it_stays(), HasSubstr("newer message about the same incident"));
  due();
  EXPECT_THAT(why_it_stays(), HasSubstr("being sent just now"));
  deliver("n2");
  EXPECT_THAT(why_it_stays(), HasSubstr("it is critical now, not warning"));
}

TEST_F(DispatcherDeadLetters, StayWhereTheReceiverHasHeardOfTheIncidentSince) {
  enqueue({.id = "n1", .level = Level::critical});
  refuse("n1");
  enqueue_a_minute_later({.id = "n2", .reason = Reason::deescalated});
  due();
  deliver("n2");
  enqueue_a_minute_later({.id = "n3", .reason = Reason::escalated, .level = Level::critical});
  due();
  deliver("n3");
  level_now_ = Level::critical;
  EXPECT_THAT(why_it_stays(), HasSubstr("'oncall' has heard of this incident since"));
}

TEST_F(DispatcherDeadLetters, StayWhereTheReceiverHasHeardOfTheEndAlsoAfterARestart) {
  enqueue({.id = "n1"});
  due();
  deliver("n1");
  enqueue({.id = "n2", .reason = Reason::escalated, .level = Level::critical});
  refuse("n2");
  enqueue({.id = "n3", .reason = Reason::resolved});
  due();
  deliver("n3");
  level_now_ = Level::ok;
  restart();
  EXPECT_THAT(why_it_stays(), HasSubstr("'oncall' has heard of it"));
}

TEST_F(DispatcherDeadLetters, OfOneIncidentThatIsOverAreToldOnceAlsoWhenSentOneAfterTheOther) {
  enqueue({.id = "n1"});
  refuse("n1");
  enqueue({.id = "n2", .reason = Reason::escalated, .level = Level::critical});
  refuse("n2");
  enqueue({.id = "n3", .reason = Reason::resolved});
  level_now_ = Level::ok;
  const auto letters = outbox_.dead_letters(2);
  EXPECT_EQ(dispatcher_->send_again({letters[0]}, {}, now_, wall_).messages, 1U);
  EXPECT_THAT(due(), ElementsAre("n2-over"));
  deliver("n2-over");
  EXPECT_THAT(why_it_stays(), HasSubstr("'oncall' has heard of it"));
}

TEST_F(DispatcherDeadLetters, ThatToldItAllStayWhereAnotherOneHasToldItSince) {
  make_two_letters_of_what_is_over();
  const auto letters = outbox_.dead_letters(2);
  EXPECT_EQ(letters.at(0).notification.reason, Reason::fired_and_resolved);
  EXPECT_EQ(dispatcher_->send_again({letters.at(1)}, {}, now_, wall_).messages, 1U);
  EXPECT_THAT(due(), ElementsAre("n1-over"));
  deliver("n1-over");
  EXPECT_THAT(why_it_stays(), HasSubstr("'oncall' has heard of it"));
}

TEST_F(DispatcherDeadLetters, StayWhereALaterOneOfTheSameIncidentWasSentAgainFirst) {
  make_two_letters_of_what_is_over();
  EXPECT_EQ(dispatcher_->send_again({outbox_.dead_letters(1)}, {}, now_, wall_).messages, 1U);
  EXPECT_THAT(due(), ElementsAre("n3"));
  deliver("n3");
  restart();
  EXPECT_THAT(why_it_stays(), HasSubstr("'oncall' has heard of it"));
}

TEST_F(DispatcherDeadLetters, LeaveNothingBehindInTheOutboxWhenTheyAreGone) {
  enqueue({.id = "n1"});
  refuse("n1");
  enqueue({.id = "n2", .reason = Reason::escalated, .level = Level::critical});
  due();
  deliver("n2");
  enqueue({.id = "n3", .reason = Reason::resolved});
  due();
  deliver("n3");
  EXPECT_FALSE(outbox_.load()->told.empty());
  Transaction drop;
  drop.forgotten.push_back({outbox_.dead_letters(1).at(0).number, "n1"});
  ASSERT_TRUE(outbox_.commit(drop));
  restart();
  EXPECT_TRUE(outbox_.load()->told.empty());
}

TEST_F(DispatcherDeadLetters, StayWhileTheirAlertFiresAnew) {
  enqueue({.id = "n1"});
  due();
  deliver("n1");
  enqueue({.id = "n2", .reason = Reason::resolved});
  refuse("n2");
  incident_now_ = "/2";
  EXPECT_THAT(why_it_stays(), HasSubstr("the alert fires again since"));
}

TEST_F(DispatcherDeadLetters, OfAReceiverThatIsGoneNeedAnotherOne) {
  enqueue({.id = "n1", .receiver = "chat"});
  ASSERT_TRUE(dispatcher_->reload({{"oncall", "", 100}}, now_, wall_));
  EXPECT_THAT(why_it_stays(), HasSubstr("there is no receiver 'chat' any more"));
  EXPECT_THAT(why_it_stays("nobody"), HasSubstr("there is no receiver 'nobody'"));
  EXPECT_EQ(send_again("oncall").messages, 1U);
  EXPECT_THAT(due(), ElementsAre("n1"));
  EXPECT_EQ(only().receiver, "oncall");
  deliver("n1");
  EXPECT_TRUE(dispatcher_->told("oncall", "a1/1"));
}

TEST_F(DispatcherDeadLetters, BeginNothingElsewhereAtALevelThatIsNotTheCase) {
  enqueue({.id = "n1"});
  refuse("n1");
  level_now_ = Level::critical;
  EXPECT_THAT(why_it_stays("chat"), HasSubstr("it is critical now, not warning"));
}

TEST_F(DispatcherDeadLetters, AnotherReceiverCannotHaveHeardOfThroughTheAttemptsAtTheFirst) {
  enqueue({.id = "n1"});
  due();
  finish("n1", timed_out);
  now_ += 1min;
  refuse("n1");
  dispatcher_->set_hold_back([this](const Notification&, Time) { return std::optional(now_ + 8h); });
  EXPECT_EQ(send_again("chat").messages, 1U);
  enqueue({.id = "n2", .receiver = "chat", .reason = Reason::resolved});
  EXPECT_THAT(due(), IsEmpty()) << "it began and ended in silence";
  EXPECT_EQ(dispatcher_->queued(), 0U);
}

TEST_F(DispatcherDeadLetters, AnEndIsNotSentToWhoNeverHeardOfTheBeginning) {
  enqueue({.id = "n1"});
  due();
  deliver("n1");
  enqueue({.id = "n2", .reason = Reason::resolved});
  refuse("n2");
  EXPECT_THAT(why_it_stays("chat"), HasSubstr("'chat' never heard of"));
}

TEST_F(DispatcherDeadLetters, AnEndIsNotSentToWhoIsToldOfNone) {
  enqueue({.id = "n1"});
  due();
  deliver("n1");
  enqueue({.id = "n2", .reason = Reason::resolved});
  refuse("n2");
  ASSERT_TRUE(dispatcher_->reload({{.name = "oncall", .send_resolved = false}}, now_, wall_));
  EXPECT_THAT(why_it_stays(), HasSubstr("send_resolved: false"));
}

TEST_F(DispatcherDeadLetters, StayWhileASilenceWouldDropThemAndTheQueueIsFull) {
  enqueue({.id = "n1"});
  refuse("n1");
  level_now_ = Level::ok;
  dispatcher_->set_hold_back([this](const Notification&, Time) { return std::optional(now_ + 60s); });
  EXPECT_THAT(why_it_stays(), HasSubstr("a silence or a mute time"));
  ASSERT_TRUE(dispatcher_->reload({{.name = "oncall", .max_queued = 0}}, now_, wall_));
  EXPECT_THAT(why_it_stays(), HasSubstr("is full"));
}

TEST_F(DispatcherDeadLetters, WaitForTheEndOfASilenceLikeAllOthers) {
  enqueue({.id = "n1"});
  refuse("n1");
  std::optional<Time> silence = now_ + 60s;
  dispatcher_->set_hold_back([&](const Notification&, Time) { return silence; });
  EXPECT_EQ(send_again().messages, 1U);
  EXPECT_THAT(due(), IsEmpty());
  silence.reset();
  now_ += 61s;
  EXPECT_THAT(due(), ElementsAre("n1"));
}

TEST_F(DispatcherDeadLetters, SayWhatTheySaidHoweverLongASilenceHoldsThem) {
  enqueue({.id = "n1"});
  due();
  const std::string as_refused = as_told(only());
  finish("n1", Rejected{"HTTP 400"});
  std::optional<Time> silence = now_ + 8h;
  const HoldBack by_silence = [&](const Notification&, Time) { return silence; };
  dispatcher_->set_hold_back(by_silence);
  EXPECT_EQ(send_again().messages, 1U);
  EXPECT_THAT(due(), IsEmpty());
  restart();
  dispatcher_->set_hold_back(by_silence);
  EXPECT_THAT(due(), IsEmpty());
  silence.reset();
  now_ += 8h;
  EXPECT_THAT(due(), ElementsAre("n1"));
  EXPECT_EQ(as_told(only()), as_refused) << "one id, one message";
}

TEST_F(DispatcherDeadLetters, TellTheEndWhereAnEarlierAttemptMayHaveArrived) {
  enqueue({.id = "n1"});
  due();
  finish("n1", timed_out);
  now_ += 1min;
  refuse("n1");
  EXPECT_EQ(outbox_.dead_letters(1).at(0).attempts, 1);
  std::optional<Time> silence = now_ + 8h;
  dispatcher_->set_hold_back([&](const Notification&, Time) { return silence; });
  EXPECT_EQ(send_again().messages, 1U);
  enqueue({.id = "n2", .reason = Reason::resolved});
  EXPECT_THAT(due(), ElementsAre("n2")) << "whatever is silent";
  EXPECT_EQ(only().reason, Reason::fired_and_resolved);
}

TEST_F(DispatcherDeadLetters, TheFallbackThatWasGivenACopyGetsNoSecondOne) {
  enqueue({.id = "n1", .receiver = "chat"});
  refuse("n1", "chat");
  EXPECT_THAT(due(), ElementsAre("n1-fallback"));
  deliver("n1-fallback");
  EXPECT_EQ(send_again().messages, 1U);
  refuse("n1", "chat");
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_EQ(outbox_.dead_letter_count(), 1U);
}

TEST_F(DispatcherDeadLetters, OfAGroupGoByThemselvesUnderTheirOwnId) {
  make({{.name = "oncall", .takes_groups = true}});
  for (const auto* id : {"n1", "n2"}) {
    Notification notification = make_notification({.id = id, .alert = id});
    notification.routing.group = "g";
    ASSERT_TRUE(dispatcher_->enqueue({std::move(notification)}, {}, now_));
  }
  finish(due().at(0), Rejected{"HTTP 400"});  // of both; each is tried by itself then
  refuse("n1");
  refuse("n2");
  EXPECT_EQ(send_again().messages, 2U);
  EXPECT_THAT(due(), ElementsAre("n1"));
  deliver("n1");
  EXPECT_THAT(due(), ElementsAre("n2"));
}

}  // namespace
}  // namespace sidewatch
