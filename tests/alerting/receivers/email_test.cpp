#include "alerting/receivers/email.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/alerting/receivers/fake_smtp.h"
#include "tests/alerting/receivers/receiver_world.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class EmailTest : public ReceiverWorld {
 protected:
  std::unique_ptr<Receiver> email(const std::string& more = "", const std::string& to = "oncall@example.org",
                                  const std::string& security = "none") {
    return receiver("  email:\n    host: 127.0.0.1\n    port: " + std::to_string(smtp_.port()) + "\n    security: " +
                    security + "\n    from: \"sidewatch <alerts@example.org>\"\n    to: [" + to + "]\n" + more);
  }

  FakeSmtp smtp_;
};

TEST_F(EmailTest, GivesTheServerOneMailForAll) {
  EXPECT_EQ(why(send(email("", "a@example.org, b@example.org"))), "(delivered)");
  ASSERT_EQ(smtp_.mails().size(), 1U);
  EXPECT_EQ(smtp_.mails()[0].from, "alerts@example.org");
  EXPECT_THAT(smtp_.mails()[0].to, ElementsAre("a@example.org", "b@example.org"));
  EXPECT_THAT(smtp_.mails()[0].text, HasSubstr("Subject: WARNING: Memory at 93% on a1\r\n"));
  EXPECT_THAT(smtp_.mails()[0].text, HasSubstr("From: \"sidewatch\"\r\n <alerts@example.org>\r\n"));
  EXPECT_THAT(smtp_.mails()[0].text, HasSubstr("To: a@example.org,\r\n b@example.org\r\n"));
}

TEST_F(EmailTest, ArrivesWholeWhateverItHolds) {
  auto odd = make_notification({.id = "n-1"});
  odd.annotations = Labels{{"summary", "\xE2\x82\xAC\r\nBcc: all@example.org"},
                           {"description", ".\n..\nQUIT\n" + std::string(3000, '=')}};
  EXPECT_EQ(why(email()->send(deliver_alone(odd))), "(delivered)");
  ASSERT_EQ(smtp_.mails().size(), 1U);
  EXPECT_THAT(smtp_.mails()[0].text, HasSubstr("\r\n.\r\n..\r\nQUIT\r\n"));
  EXPECT_THAT(smtp_.mails()[0].to, ElementsAre("oncall@example.org"));
}

TEST_F(EmailTest, LogsInAndSaysWhatIsWrongWithThePassword) {
  smtp_.want_login("agent", "hunter22");
  EXPECT_EQ(why(send(email("    username: agent\n    password: hunter22\n"))), "(delivered)");
  const Attempt wrong = send(email("    username: agent\n    password: wr0ngpass\n"));
  ASSERT_TRUE(std::holds_alternative<RetryLater>(wrong)) << why(wrong);
  EXPECT_TRUE(std::get<RetryLater>(wrong).refused);
  EXPECT_THAT(why(wrong), HasSubstr("535 5.7.8 wrong user name or password"));
  EXPECT_THAT(why(wrong) + traced_request_ + traced_answer_, Not(HasSubstr("wr0ngpass")));

  const Attempt without = send(email());
  ASSERT_TRUE(std::holds_alternative<RetryLater>(without)) << why(without);
  EXPECT_TRUE(std::get<RetryLater>(without).refused);
  EXPECT_THAT(why(without), HasSubstr("530 5.7.0 log in first"));
}

TEST_F(EmailTest, TellsNobodyAnythingWhereStarttlsIsMissing) {
  const Attempt attempt =
      send(email("    username: agent\n    password: hunter22\n", "oncall@example.org", "starttls"));
  ASSERT_TRUE(std::holds_alternative<RetryLater>(attempt)) << why(attempt);
  EXPECT_THAT(why(attempt), HasSubstr("the server does not offer STARTTLS"));
  EXPECT_TRUE(smtp_.mails().empty());
  EXPECT_THAT(smtp_.commands(), Each(Not(StartsWith("MAIL"))));
  EXPECT_THAT(smtp_.commands(), Each(Not(StartsWith("AUTH"))));
}

TEST_F(EmailTest, ComesBackWhenToldToAndGivesUpWhenRefused) {
  const auto to_all = email();
  smtp_.reply("DATA.", "452 4.3.1 no space");
  const Attempt later = send(to_all);
  ASSERT_TRUE(std::holds_alternative<RetryLater>(later)) << why(later);
  EXPECT_FALSE(std::get<RetryLater>(later).whole_receiver);
  EXPECT_THAT(why(later), HasSubstr("452 4.3.1 no space"));
  smtp_.reply("DATA.", "554 5.7.1 looks like spam");
  const Attempt never = send(to_all);
  EXPECT_TRUE(std::holds_alternative<Rejected>(never));
  EXPECT_THAT(why(never), HasSubstr("554 5.7.1 looks like spam"));
  smtp_.usual();
  smtp_.reply("MAIL", "421 4.7.0 too many mails");
  const Attempt busy = send(to_all);
  ASSERT_TRUE(std::holds_alternative<RetryLater>(busy)) << why(busy);
  EXPECT_TRUE(std::get<RetryLater>(busy).whole_receiver);
}

TEST_F(EmailTest, GoesAgainOnlyToThoseWhoDoNotHaveItYet) {
  const auto to_two = email("", "a@example.org, slow@example.org");
  smtp_.reply("RCPT TO:<slow@", "451 4.7.1 come back");
  const Attempt first = send(to_two);
  ASSERT_TRUE(std::holds_alternative<RetryLater>(first)) << why(first);
  EXPECT_EQ(why(first), "not yet taken for slow@example.org: 451 4.7.1 come back");
  smtp_.usual();
  EXPECT_EQ(why(send(to_two)), "(delivered)");
  ASSERT_EQ(smtp_.mails().size(), 2U);
  EXPECT_THAT(smtp_.mails()[0].to, ElementsAre("a@example.org"));
  EXPECT_THAT(smtp_.mails()[1].to, ElementsAre("slow@example.org"));
  EXPECT_EQ(smtp_.mails()[0].text, smtp_.mails()[1].text);
}

TEST_F(EmailTest, GivesUpAMailThatIsRefusedAsAWholeWhoeverWouldHaveToWait) {
  const auto to_two = email("", "a@example.org, slow@example.org");
  smtp_.reply("RCPT TO:<slow@", "450 4.7.1 greylisted");
  smtp_.reply("DATA.", "552 5.3.4 too large");
  const Attempt attempt = send(to_two);
  EXPECT_TRUE(std::holds_alternative<Rejected>(attempt));
  EXPECT_THAT(why(attempt), HasSubstr("552 5.3.4 too large"));
}

TEST_F(EmailTest, WaitsForTheOneWhoMayStillTakeItWhenNobodyElseDoes) {
  const auto to_two = email("", "slow@example.org, gone@example.org");
  smtp_.reply("RCPT TO:<slow@", "450 4.7.1 greylisted");
  smtp_.reply("RCPT TO:<gone@", "550 5.1.1 no such user");
  EXPECT_TRUE(std::holds_alternative<RetryLater>(send(to_two)));
}

TEST_F(EmailTest, HasDeliveredItWhenOnlyThoseAreLeftWhoNeverTakeIt) {
  const auto to_two = email("", "a@example.org, gone@example.org");
  smtp_.reply("RCPT TO:<gone@", "450 4.7.1 greylisted");
  EXPECT_TRUE(std::holds_alternative<RetryLater>(send(to_two)));
  smtp_.reply("RCPT TO:<gone@", "550 5.1.1 no such user");
  EXPECT_EQ(why(send(to_two)), "(delivered)");
  EXPECT_THAT(lines_, ElementsAre("email: 127.0.0.1 takes nothing for gone@example.org: 550 5.1.1 no such user"));
}

TEST_F(EmailTest, ReachesTheOthersWhenOneAddressIsWrongAndSaysSo) {
  const auto to_two = email("", "gone@example.org, b@example.org");
  smtp_.reply("RCPT TO:<gone@", "550 5.1.1 no such user");
  EXPECT_EQ(why(send(to_two)), "(delivered)");
  EXPECT_THAT(smtp_.mails().at(0).to, ElementsAre("b@example.org"));
  EXPECT_THAT(lines_, ElementsAre("email: 127.0.0.1 takes nothing for gone@example.org: 550 5.1.1 no such user"));
  const Attempt alone = send(email("", "gone@example.org"));
  EXPECT_TRUE(std::holds_alternative<Rejected>(alone)) << why(alone);
}

TEST_F(EmailTest, KeepsItsDeadlineAndDoesNotWaitForAGoodbye) {
  const auto slow = email("    timeout: 1s\n");
  smtp_.reply("MAIL", "");
  auto begun = std::chrono::steady_clock::now();
  const Attempt late = send(slow);
  EXPECT_TRUE(std::holds_alternative<RetryLater>(late));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);
  smtp_.usual();
  smtp_.reply("QUIT", "");
  begun = std::chrono::steady_clock::now();
  EXPECT_EQ(why(send(email("    timeout: 60s\n"))), "(delivered)");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 20s);
}

TEST_F(EmailTest, StopsSoonWhenInterrupted) {
  const auto waiting = email("    timeout: 60s\n");
  smtp_.reply("MAIL", "");
  std::thread other([&] {
    while (smtp_.commands().size() < 2) std::this_thread::yield();
    waiting->interrupt();
  });
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(std::holds_alternative<RetryLater>(send(waiting)));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 20s);
  other.join();
  EXPECT_THAT(smtp_.commands(), Each(Not(StartsWith("."))));  // nothing that would end a mail
}

TEST_F(EmailTest, SaysWhereNobodyListens) {
  const auto nobody = receiver("  email: {host: 127.0.0.1, port: " + std::to_string(unused_port()) +
                               ", from: a@example.org, to: b@example.org}\n");
  EXPECT_THAT(why(send(nobody)), HasSubstr("127.0.0.1:"));
  EXPECT_TRUE(std::get<RetryLater>(send(nobody)).whole_receiver);
}

TEST(EmailPlan, SaysWhatIsWrongInIt) {
  const auto problems = [](const std::string& settings) {
    return read_receivers("receivers:\n- {name: a, email: {" + settings + "}}\n").problems;
  };
  const std::string good = "host: h, from: a@example.org, to: b@example.org";
  EXPECT_EQ(problems(good), "");
  EXPECT_THAT(problems("host: \"smtp://h\", from: a@example.org, to: b@e"),
              HasSubstr("host is a name or an address alone"));
  EXPECT_THAT(problems("host: h, from: agent, to: b@example.org"), HasSubstr("from is not a mail address"));
  EXPECT_THAT(problems("host: h, from: a@example.org, to: [\"b@example.org,c@example.org\"]"),
              HasSubstr("to is not a mail address"));
  EXPECT_THAT(problems("host: h, from: a@example.org"), HasSubstr("'to' is missing"));
  EXPECT_THAT(problems(good + ", username: u"), HasSubstr("has a username without password"));
}

TEST(EmailPlan, WarnsOfAPasswordInTheClear) {
  const auto plans = plans_of(
      "receivers:\n- {name: a, email: {host: h, security: none, username: u, password: p, from: "
      "a@example.org, to: b@example.org}}\n");
  EXPECT_EQ(plans.at(0).warning, "security is none: the password travels in the clear");
  EXPECT_EQ(plans.at(0).description, "email over h to 1 address");
  EXPECT_TRUE(plans.at(0).takes_groups);
}

TEST(EmailPlan, WarnsOfAPortAtWhichTheServerSpeaksOtherwise) {
  const auto warning = [](const std::string& settings) {
    return plans_of("receivers:\n- {name: a, email: {host: h, from: a@example.org, to: b@example.org" + settings + "}}\n")
        .at(0)
        .warning;
  };
  EXPECT_THAT(warning(", port: 465"), HasSubstr("on port 465 servers expect `security: tls`"));
  EXPECT_THAT(warning(", port: 587, security: tls"), HasSubstr("on port 587 servers greet first"));
  for (const std::string fine : {"", ", port: 587", ", security: tls", ", port: 465, security: tls", ", port: 2525"}) {
    EXPECT_EQ(warning(fine), "") << fine;
  }
}

}  // namespace
}  // namespace sidewatch
