#include "alerting/receivers/opsgenie.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/alerting/receivers/fake_opsgenie.h"
#include "tests/alerting/receivers/receiver_world.h"

namespace sidewatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

class OpsgenieTest : public ReceiverWorld {
 protected:
  OpsgenieTest() {
    server_.serve([this](const FakeRequest& request) { return service_(request); });
  }
  std::unique_ptr<Receiver> opsgenie(const std::string& more = "", std::string_view key = FakeOpsgenie::key) {
    return receiver("  opsgenie:\n    api_key: \"" + std::string(key) + "\"\n    api_url: " + server_.url("/") +
                    "\n    source: web-1\n" + more);
  }
  static Attempt tell(const std::unique_ptr<Receiver>& receiver, Notification n) {
    return receiver->send(deliver_alone(std::move(n)));
  }

  FakeOpsgenie service_;
};

TEST_F(OpsgenieTest, OpensAnAlertRaisesItsPriorityAndClosesIt) {
  const auto receiver = opsgenie();
  EXPECT_EQ(why(tell(receiver, make_notification({.id = "n-1"}))), "(delivered)");
  EXPECT_THAT(service_.open, ElementsAre(Pair("a1@web-1", "P3")));
  const auto body = JsonValue::parse(last().body);
  EXPECT_EQ((*body)["message"].text_or(""), "WARNING: Memory at 93% on a1");
  EXPECT_EQ((*body)["entity"].text_or(""), "a1");
  EXPECT_EQ((*body)["details"]["Value"].text_or(""), "93.25");

  tell(receiver, make_notification({.id = "n-2", .reason = Reason::escalated, .level = Level::critical}));
  EXPECT_THAT(service_.open, ElementsAre(Pair("a1@web-1", "P1")));
  EXPECT_EQ(why(tell(receiver, make_notification({.id = "n-3", .reason = Reason::resolved}))), "(delivered)");
  EXPECT_TRUE(service_.open.empty());
  EXPECT_THAT(last().body, HasSubstr("\"note\":\"RESOLVED: Memory at 93% on a1\""));
}

TEST_F(OpsgenieTest, OpensNothingForWhatIsOverAlready) {
  auto over = make_notification({.id = "n-1", .reason = Reason::fired_and_resolved});
  over.level = Level::ok;
  EXPECT_EQ(why(tell(opsgenie(), over)), "(delivered)");
  EXPECT_TRUE(service_.open.empty());
  EXPECT_THAT(last().body, HasSubstr("\"note\":\"FIRED AND RESOLVED: Memory at 93% on a1\""));
}

TEST_F(OpsgenieTest, TakesThePrioritiesAndTagsThatItIsGiven) {
  tell(opsgenie("    warning: P5\n    tags: [shop, linux]\n"), make_notification({.id = "n-1"}));
  EXPECT_THAT(service_.open, ElementsAre(Pair("a1@web-1", "P5")));
  EXPECT_THAT(last().body, HasSubstr("\"tags\":[\"shop\",\"linux\"]"));
}

TEST_F(OpsgenieTest, StaysInsideTheLimitsWhateverIsSaid) {
  auto long_one = make_notification({.id = "n-1"});
  std::string flood;
  for (int i = 0; i < 4000; ++i) flood += "\xC3\xA4";
  long_one.annotations = Labels{{"summary", flood}, {"description", flood + flood + flood + flood}};
  std::vector<Label> many = {{"instance", flood}};
  for (int i = 0; i < 50; ++i) many.push_back({"label_" + std::to_string(i), flood});
  long_one.labels = Labels(many);
  EXPECT_EQ(why(tell(opsgenie(), long_one)), "(delivered)");
  EXPECT_THAT(last().body, HasSubstr(" more\""));
}

TEST_F(OpsgenieTest, KeepsTheMessageAndItsKeyWhenTheKeyIsWrong) {
  const Attempt attempt = send(opsgenie("", "wr0ng-key"));
  ASSERT_TRUE(std::holds_alternative<RetryLater>(attempt)) << why(attempt);
  EXPECT_TRUE(std::get<RetryLater>(attempt).refused);
  EXPECT_THAT(why(attempt) + traced_request_, Not(HasSubstr("wr0ng-key")));
}

TEST_F(OpsgenieTest, WaitsWhenThereAreTooManyAndGivesUpWhatIsNeverTaken) {
  server_.script({{.status = 429}, {.status = 422, .body = "{\"message\":\"tags\"}"}});
  const auto receiver = opsgenie();
  EXPECT_TRUE(std::holds_alternative<RetryLater>(send(receiver)));
  EXPECT_TRUE(std::holds_alternative<Rejected>(send(receiver)));
}

TEST(OpsgeniePlan, SaysWhatIsWrongInIt) {
  const auto problems = [](const std::string& settings) {
    return read_receivers("receivers:\n- {name: a, opsgenie: {" + settings + "}}\n").problems;
  };
  EXPECT_EQ(problems("api_key: abc"), "");
  EXPECT_THAT(problems("api_key: GenieKey abc"), HasSubstr("write the key alone, without 'GenieKey'"));
  EXPECT_THAT(problems("api_key: abc, api_url: \"https://api.opsgenie.com/v2/alerts\""),
              HasSubstr("leave out /v2/alerts"));
  EXPECT_THAT(problems("api_key: abc, warning: high"), HasSubstr("'high' is not one of P1, P2, P3, P4, P5"));
}

}  // namespace
}  // namespace sidewatch
