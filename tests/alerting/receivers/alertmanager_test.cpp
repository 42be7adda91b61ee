#include "alerting/receivers/alertmanager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/alerting/receivers/fake_alertmanager.h"
#include "tests/alerting/receivers/receiver_world.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string labels_of_a1 = "alertname=HostMemoryHigh,instance=a1,severity=warning";
const std::string resend_id = std::string(resend_id_prefix) + "1772366400000-a1";
const std::string critical_a1 = "alertname=HostMemoryHigh,instance=a1,severity=critical";

// A cluster of two: server_ and other_.
class AlertmanagerTest : public ReceiverWorld {
 protected:
  AlertmanagerTest() { bring_back(); }
  void bring_back() {
    server_.serve([this](const FakeRequest& request) { return first_(request); });
    other_.serve([this](const FakeRequest& request) { return second_(request); });
  }
  void answer_always(int status) {
    for (FakeHttpServer* server : {&server_, &other_}) server->script({{.status = status}});
  }
  void take_away() {
    server_.serve([](const FakeRequest&) -> FakeAnswer { return {.status = 502}; });
  }
  std::unique_ptr<Receiver> cluster(const std::string& more = "") {
    ReceiverContext given = context();
    given.wall = [this] { return now_; };
    return plans_of("receivers:\n- name: am\n  alertmanager:\n    urls: [\"" + server_.url("/am") + "\", \"" +
                        other_.url("/am/") + "\"]\n" + more,
                    given)[0]
        .make();
  }
  static Attempt tell(const std::unique_ptr<Receiver>& receiver, Notification n) {
    return receiver->send(deliver_alone(std::move(n)));
  }

  FakeHttpServer other_;
  FakeAlertmanager first_, second_;
  WallTime now_ = WallTime(Duration(1'772'366'400'000)) + 1min;
};

TEST_F(AlertmanagerTest, TellsEveryPeerAndLetsTheAlertEndByItselfWhenNothingMoreIsHeard) {
  EXPECT_EQ(why(send(cluster())), "(delivered)");
  EXPECT_THAT(first_.firing(now_ + 4min - 1ms), ElementsAre(labels_of_a1));
  EXPECT_THAT(second_.firing(now_ + 4min - 1ms), ElementsAre(labels_of_a1));
  EXPECT_THAT(first_.firing(now_ + 4min), IsEmpty());
  EXPECT_THAT(last().body, HasSubstr("\"summary\":\"Memory at 93% on a1\",\"value\":\"93.25\""));
}

TEST_F(AlertmanagerTest, EndsAnAlertInEveryPeer) {
  const auto both = cluster();
  tell(both, make_notification({.id = "n-1"}));
  now_ += 20min;
  tell(both, make_notification({.id = "n-2", .reason = Reason::resolved}));
  EXPECT_THAT(first_.firing(now_), IsEmpty());
  EXPECT_THAT(second_.firing(now_), IsEmpty());
}

TEST_F(AlertmanagerTest, EndsTheWarningWhenItBecomesCritical) {
  const auto both = cluster();
  tell(both, make_notification({.id = "n-1"}));
  now_ += 1min;
  tell(both, make_notification({.id = "n-2", .reason = Reason::escalated, .level = Level::critical}));
  EXPECT_THAT(first_.firing(now_), ElementsAre(critical_a1));
}

TEST_F(AlertmanagerTest, EndsTheWarningAlsoWhenTheFirstAttemptToSayCriticalFails) {
  const auto both = cluster();
  tell(both, make_notification({.id = "n-1"}));
  now_ += 1min;
  const auto worse = make_notification({.id = "n-2", .reason = Reason::escalated, .level = Level::critical});
  answer_always(503);
  EXPECT_TRUE(std::holds_alternative<RetryLater>(tell(both, worse)));
  bring_back();
  now_ += 10s;
  EXPECT_EQ(why(tell(both, worse)), "(delivered)");
  EXPECT_THAT(first_.firing(now_), ElementsAre(critical_a1));
  EXPECT_THAT(second_.firing(now_), ElementsAre(critical_a1));
}

TEST_F(AlertmanagerTest, EndsTheWarningInAPeerThatMissedTheWorseningOnceItIsBack) {
  const auto both = cluster();
  tell(both, make_notification({.id = "n-1"}));
  now_ += 1min;
  take_away();
  const auto worse = make_notification({.id = "n-2", .reason = Reason::escalated, .level = Level::critical});
  for (int i = 0; i < 3; ++i) tell(both, worse);
  EXPECT_THAT(second_.firing(now_), ElementsAre(critical_a1));
  bring_back();
  now_ += 1min;
  tell(both, make_notification({.id = resend_id, .reason = Reason::repeated, .level = Level::critical}));
  EXPECT_THAT(first_.firing(now_), ElementsAre(critical_a1));
}

TEST_F(AlertmanagerTest, EndsWhatOnlyOnePeerHasTakenBeforeTheAlertChangedAgain) {
  const auto both = cluster();
  tell(both, make_notification({.id = "n-1"}));
  take_away();
  tell(both, make_notification({.id = "n-2", .reason = Reason::escalated, .level = Level::critical}));
  bring_back();
  EXPECT_EQ(why(tell(both, make_notification({.id = "n-3", .reason = Reason::deescalated}))), "(delivered)");
  EXPECT_THAT(first_.firing(now_), ElementsAre(labels_of_a1));
  EXPECT_THAT(second_.firing(now_), ElementsAre(labels_of_a1));
}

TEST_F(AlertmanagerTest, EndsWhatFiredBeforeAnEndThatGotLost) {
  const auto both = cluster();
  tell(both, make_notification({.id = "n-1"}));
  now_ += 1min;
  answer_always(503);
  tell(both, make_notification({.id = "n-2", .reason = Reason::resolved}));
  bring_back();
  EXPECT_EQ(why(tell(both, make_notification({.id = "n-3", .level = Level::critical}))), "(delivered)");
  EXPECT_THAT(first_.firing(now_), ElementsAre(critical_a1));
}

TEST_F(AlertmanagerTest, EndsWhatFiredBeforeHoweverManyAlertsHaveEndedWhileAPeerWasAway) {
  const auto both = cluster();
  take_away();
  other_.script({{.status = 200}});
  for (const Reason reason : {Reason::fired, Reason::resolved}) {
    for (int i = 0; i < 10; ++i) {
      Delivery many = deliver_alone(make_notification({.id = "n", .alert = "b", .reason = reason}));
      for (int j = 0; j < 1'000; ++j) {
        const std::string alert = "b" + std::to_string(1'000 * i + j);
        many.alerts.push_back(make_notification({.id = "n", .alert = alert, .reason = reason}));
      }
      both->send(many);
    }
  }
  bring_back();
  now_ += 1h;
  tell(both, make_notification({.id = "n-1"}));
  tell(both, make_notification({.id = "n-2", .reason = Reason::escalated, .level = Level::critical}));
  EXPECT_THAT(first_.firing(now_), ElementsAre(critical_a1));
}

TEST_F(AlertmanagerTest, DoesNotEndWhatNoPeerTook) {
  const auto both = cluster();
  auto bad = make_notification({.id = "n-1"});
  bad.labels = bad.labels.with("team", "b@d");
  answer_always(400);
  EXPECT_TRUE(std::holds_alternative<Rejected>(tell(both, bad)));
  bring_back();
  tell(both, make_notification({.id = "n-2", .reason = Reason::escalated, .level = Level::critical}));
  EXPECT_THAT(last().body, testing::Not(HasSubstr("b@d")));
}

TEST_F(AlertmanagerTest, TriesAgainOnlyThePeerThatDidNotTakeIt) {
  const auto both = cluster();
  take_away();
  const Attempt attempt = send(both);
  ASSERT_TRUE(std::holds_alternative<RetryLater>(attempt));
  EXPECT_FALSE(std::get<RetryLater>(attempt).whole_receiver);
  EXPECT_EQ(other_.requests().size(), 1U);
  bring_back();
  EXPECT_EQ(why(send(both)), "(delivered)");
  EXPECT_EQ(other_.requests().size(), 1U);
  EXPECT_THAT(first_.firing(now_), ElementsAre(labels_of_a1));
}

TEST_F(AlertmanagerTest, WaitsForNoPeerThatStaysAwayAndTellsItWhatFiresWhenItIsBack) {
  const auto both = cluster();
  take_away();
  EXPECT_TRUE(std::holds_alternative<RetryLater>(send(both)));
  EXPECT_TRUE(std::holds_alternative<RetryLater>(send(both)));
  EXPECT_EQ(why(send(both)), "(delivered)");
  EXPECT_EQ(why(tell(both, make_notification({.id = "n-2", .alert = "a2"}))), "(delivered)");
  EXPECT_EQ(lines_.size(), 1U);
  bring_back();
  auto again = deliver_alone(make_notification({.id = resend_id}));
  again.alerts.push_back(make_notification({.id = resend_id, .alert = "a2"}));
  EXPECT_EQ(why(both->send(again)), "(delivered)");
  EXPECT_EQ(first_.firing(now_).size(), 2U);
}

TEST_F(AlertmanagerTest, SendsEveryTimeToEveryPeerWhatIsToldAgain) {
  const auto both = cluster();
  take_away();
  for (int i = 0; i < 3; ++i) send(both, resend_id);
  EXPECT_EQ(other_.requests().size(), 3U);
}

TEST_F(AlertmanagerTest, KeepsTheMessageWhenNoPeerTakesIt) {
  take_away();
  other_.script({{.status = 401}});
  const auto both = cluster();
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(std::holds_alternative<RetryLater>(send(both)));
}

TEST_F(AlertmanagerTest, SaysWhatAlertmanagerFindsWrong) {
  server_.script({{.status = 400, .body = "\"labels in body is required\""}});
  other_.script({{.status = 400, .body = "\"labels in body is required\""}});
  const Attempt attempt = send(cluster());
  EXPECT_TRUE(std::holds_alternative<Rejected>(attempt));
  EXPECT_THAT(why(attempt), HasSubstr("labels in body is required"));
}

TEST_F(AlertmanagerTest, TellsTheSameAlertOfTwoMachinesApart) {
  auto bare = make_notification({.id = "n-1"});
  bare.labels = bare.labels.without("instance");
  tell(cluster("    instance: web-1\n"), bare);
  tell(cluster("    instance: web-2\n"), bare);
  EXPECT_EQ(first_.firing(now_).size(), 2U);
}

TEST_F(AlertmanagerTest, ShowsItsCredentialsToThePeersAlone) {
  send(cluster("    bearer_token: t0psecret\n"));
  EXPECT_EQ(last().header("Authorization"), "Bearer t0psecret");
  EXPECT_THAT(traced_request_, testing::Not(HasSubstr("t0psecret")));
}

TEST(AlertmanagerPlan, SaysWhatIsWrongInIt) {
  const auto problems = [](const std::string& settings) {
    return read_receivers("receivers:\n- {name: a, alertmanager: {" + settings + "}}\n").problems;
  };
  EXPECT_EQ(problems("urls: \"http://am:9093\""), "");
  EXPECT_THAT(problems("interval: 1m"), HasSubstr("'urls' is missing"));
  EXPECT_THAT(problems("urls: \"http://am:9093/api/v2/alerts\""), HasSubstr("leave out /api/..."));
  EXPECT_THAT(problems("urls: [\"http://am:9093\", \"http://am:9093\"]"), HasSubstr("the same address is there already"));
  EXPECT_THAT(problems("urls: \"am:9093\""), HasSubstr("urls: a URL starts with http://"));
  const auto plans = plans_of("receivers:\n- {name: a, alertmanager: {urls: [\"http://x/\"], interval: 2m}}\n");
  EXPECT_EQ(plans.at(0).resend_every, Duration(2min));
}

}  // namespace
}  // namespace sidewatch
