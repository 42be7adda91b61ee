#include "alerting/receivers/pagerduty.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/alerting/receivers/fake_pagerduty.h"
#include "tests/alerting/receivers/receiver_world.h"

namespace sidewatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

class PagerDutyTest : public ReceiverWorld {
 protected:
  PagerDutyTest() {
    server_.serve([this](const FakeRequest& request) { return service_(request); });
  }
  std::unique_ptr<Receiver> pagerduty(const std::string& more = "", std::string_view key = FakePagerDuty::routing_key) {
    return receiver("  pagerduty:\n    routing_key: \"" + std::string(key) +
                    "\"\n    api_url: " + server_.url("/v2/enqueue") + "\n    source: web-1\n" + more);
  }
  JsonValue sent() const { return JsonValue::parse(last().body).value(); }
  static Attempt tell(const std::unique_ptr<Receiver>& receiver, Notification n) {
    return receiver->send(deliver_alone(std::move(n)));
  }

  FakePagerDuty service_;
};

TEST_F(PagerDutyTest, OpensAnIncidentThatSaysWhatIsWrongWhereAndHowMuch) {
  external_url_ = "http://agent:9766";
  EXPECT_EQ(why(tell(pagerduty(), make_notification({.id = "n-1", .level = Level::critical}))), "(delivered)");
  const JsonValue event = sent();
  EXPECT_EQ(event["client_url"].text_or(""), "http://agent:9766");
  const JsonValue& payload = event["payload"];
  EXPECT_EQ(payload["summary"].text_or(""), "CRITICAL: Memory at 93% on a1");
  EXPECT_EQ(payload["source"].text_or(""), "web-1");
  EXPECT_EQ(payload["timestamp"].text_or(""), "2026-03-01T12:00:00.000Z");
  EXPECT_EQ(payload["class"].text_or(""), "HostMemoryHigh");
  EXPECT_EQ(payload["custom_details"]["Value"].text_or(""), "93.25");
  EXPECT_EQ(payload["custom_details"]["Labels"]["instance"].text_or(""), "a1");
  EXPECT_THAT(service_.open, ElementsAre(Pair("a1@web-1", "critical")));
}

TEST_F(PagerDutyTest, KeepsOneIncidentOverTheLevelsOfAnAlertAndResolvesIt) {
  const auto receiver = pagerduty();
  tell(receiver, make_notification({.id = "n-1"}));
  tell(receiver, make_notification({.id = "n-2", .reason = Reason::escalated, .level = Level::critical}));
  EXPECT_THAT(service_.open, ElementsAre(Pair("a1@web-1", "critical")));
  EXPECT_EQ(why(tell(receiver, make_notification({.id = "n-3", .reason = Reason::resolved}))), "(delivered)");
  EXPECT_TRUE(service_.open.empty());
  EXPECT_FALSE(sent().has("payload"));
}

TEST_F(PagerDutyTest, OpensNothingForWhatIsOverAlready) {
  auto over = make_notification({.id = "n-1", .reason = Reason::fired_and_resolved});
  over.level = Level::ok;
  EXPECT_EQ(why(tell(pagerduty(), over)), "(delivered)");
  EXPECT_EQ(sent()["event_action"].text_or(""), "resolve");
  EXPECT_TRUE(service_.open.empty());
}

TEST_F(PagerDutyTest, DoesNotCloseTheIncidentOfAnotherHostWithTheSameLabels) {
  const auto here = pagerduty();
  const auto there = receiver("  pagerduty:\n    routing_key: \"" + std::string(FakePagerDuty::routing_key) +
                              "\"\n    source: web-2\n    api_url: " + server_.url("/v2/enqueue") + "\n");
  tell(here, make_notification({.id = "n-1"}));
  tell(there, make_notification({.id = "n-2"}));
  tell(here, make_notification({.id = "n-3", .reason = Reason::resolved}));
  EXPECT_THAT(service_.open, ElementsAre(Pair("a1@web-2", "warning")));
}

TEST_F(PagerDutyTest, StaysInsideTheLimitsOfAnEventWhateverIsSaid) {
  auto long_one = make_notification({.id = "n-1"});
  std::string flood;
  for (int i = 0; i < 4000; ++i) flood += "\xC3\xA4";  // two bytes each
  long_one.annotations = Labels{{"summary", flood}, {"description", flood + flood}};
  EXPECT_EQ(why(tell(pagerduty(), long_one)), "(delivered)");
  EXPECT_EQ(count_characters(sent()["payload"]["summary"].text_or("")), 1024U);
  EXPECT_TRUE(sent()["payload"]["summary"].text_or("").ends_with("\xE2\x80\xA6"));

  std::vector<Label> many;
  for (int i = 0; i < 300; ++i) many.push_back({"label_" + std::to_string(i), flood});
  long_one.labels = Labels(many);
  EXPECT_EQ(why(tell(pagerduty(), long_one)), "(delivered)");
  EXPECT_LE(last().body.size(), 512'000U);
  EXPECT_THAT(last().body, HasSubstr("\"Left out\":\"the details are longer than an event may be\""));
}

TEST_F(PagerDutyTest, LinksOnlyToWhatIsALink) {
  auto linked = make_notification({.id = "n-1"});
  linked.annotations =
      Labels{{"summary", "s"}, {"runbook_url", "https://runbooks/1"}, {"dashboard_url", "javascript:1"}};
  EXPECT_EQ(why(tell(pagerduty(), linked)), "(delivered)");
  ASSERT_EQ(sent()["links"].items().size(), 1U);
  EXPECT_EQ(sent()["links"].items()[0]["href"].text_or(""), "https://runbooks/1");
}

TEST_F(PagerDutyTest, SaysWhatPagerDutyFindsWrongAndKeepsTheMessageWhenTheKeyIsAtFault) {
  server_.script({{.status = 400, .body = R"({"status":"invalid event","errors":["'payload.severity' is invalid"]})"}});
  const Attempt refused = send(pagerduty());
  EXPECT_TRUE(std::holds_alternative<Rejected>(refused));
  EXPECT_EQ(why(refused), "HTTP 400: 'payload.severity' is invalid");

  server_.serve([this](const FakeRequest& request) { return service_(request); });
  const Attempt kept = send(pagerduty("", "ffffffffffffffffffffffffffffffff"));
  ASSERT_TRUE(std::holds_alternative<RetryLater>(kept)) << why(kept);
  EXPECT_TRUE(std::get<RetryLater>(kept).refused);
  EXPECT_THAT(why(kept), HasSubstr("Invalid routing key (is routing_key the Integration Key"));
}

TEST_F(PagerDutyTest, WaitsWhenThereAreTooMany) {
  server_.script({{.status = 429, .headers = {{"Retry-After", "7"}}}});
  const Attempt attempt = send(pagerduty());
  ASSERT_TRUE(std::holds_alternative<RetryLater>(attempt));
  EXPECT_TRUE(std::get<RetryLater>(attempt).whole_receiver);
  EXPECT_EQ(std::get<RetryLater>(attempt).after, Duration(7000));
}

TEST_F(PagerDutyTest, NeverShowsItsKey) {
  server_.script({{.status = 400, .body = R"({"errors":["odd: )" + std::string(FakePagerDuty::routing_key) + "\"]}"}});
  EXPECT_EQ(why(send(pagerduty())), "HTTP 400: odd: <...>");
  EXPECT_THAT(traced_request_, HasSubstr("\"routing_key\":\"<...>\""));
  EXPECT_THAT(traced_request_ + traced_answer_, Not(HasSubstr(std::string(FakePagerDuty::routing_key))));
}

TEST(PagerDutyPlan, AsksForTheRightKindOfKey) {
  const auto read = read_receivers("receivers:\n- {name: a, pagerduty: {routing_key: u+short}}\n");
  EXPECT_THAT(read.problems, HasSubstr("routing_key is not 32 letters and digits: it is the Integration Key"));
}

TEST(PagerDutyPlan, GoesToPagerDutyUnlessToldOtherwiseAndTakesNoGroups) {
  const auto plans = plans_of("receivers:\n- {name: a, pagerduty: {routing_key: 0123456789abcdef0123456789abcdef}}\n");
  EXPECT_EQ(plans.at(0).description, "PagerDuty https://events.pagerduty.com/...");
  EXPECT_FALSE(plans.at(0).takes_groups);
}

}  // namespace
}  // namespace sidewatch
