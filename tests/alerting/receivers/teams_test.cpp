#include "alerting/receivers/teams.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/alerting/receivers/fake_teams.h"
#include "tests/alerting/receivers/odd_deliveries.h"
#include "tests/alerting/receivers/receiver_world.h"

namespace sidewatch {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class TeamsTest : public ReceiverWorld {
 protected:
  TeamsTest() { server_.serve(FakeTeams()); }

  std::unique_ptr<Receiver> teams(const std::string& more = "", std::string_view path = FakeTeams::path) {
    return receiver("  teams:\n    url: \"" + server_.url(path) + "\"\n" + more);
  }
  JsonValue card() const { return json_of(last().body)["attachments"].items().at(0)["content"]; }
  // What is read, line by line.
  std::string visible() const {
    std::string all;
    const JsonValue shown = card();
    for (const auto& block : shown["body"].items()) {
      for (const auto& run : block["inlines"].items()) all += run["text"].text_or("");
      all += "\n";
    }
    return all;
  }
  std::string buttons() const {
    std::string all;
    const JsonValue shown = card();
    for (const auto& action : shown["actions"].items()) {
      all += std::string(action["title"].text_or("")) + " " + std::string(action["url"].text_or("")) + "\n";
    }
    return all;
  }
};

TEST_F(TeamsTest, PostsACardWithTheTitleInItsColourAndLinksAsButtons) {
  external_url_ = "https://agent.example/";
  Notification n = make_notification({.id = "n-1", .alert = "web-1", .level = Level::critical});
  n.annotations = Labels{{"dashboard_url", "not a link"}, {"description", "First.\n\nSee https://wiki.example/x."},
                         {"runbook_url", "https://wiki.example/"}, {"summary", "Memory is short"}};
  EXPECT_EQ(why(teams()->send(deliver_alone(n))), "(delivered)");
  EXPECT_THAT(visible(), StartsWith("🔴 CRITICAL: Memory is short\nFirst.\nSee https://wiki.example/x.\nRule: "
                                    "HostMemoryHigh\nOn: instance=web-1\n"));
  EXPECT_THAT(visible(), HasSubstr("Dashboard: not a link\n"));
  EXPECT_EQ(card()["body"].items().at(0)["inlines"].items().at(0)["color"].text_or(""), "attention");
  EXPECT_EQ(card()["body"].items().at(2)["inlines"].items().at(1)["selectAction"]["url"].text_or(""),
            "https://wiki.example/x");
  EXPECT_EQ(buttons(), "Open sidewatch https://agent.example/\nRunbook https://wiki.example/\n");
  EXPECT_EQ(last().header("Idempotency-Key"), "n-1");
}

TEST_F(TeamsTest, IsGreenWhenItIsOver) {
  EXPECT_EQ(why(teams()->send(deliver_alone(make_notification({.id = "n", .reason = Reason::resolved})))),
            "(delivered)");
  EXPECT_EQ(card()["body"].items().at(0)["inlines"].items().at(0)["color"].text_or(""), "good");
  EXPECT_THAT(visible(), HasSubstr("Value at recovery: 61.5\n"));
}

TEST_F(TeamsTest, StaysWithinItsSizeAndSaysWhatIsMissing) {
  const auto receiver = teams();
  for (const char* of : {"x", "\"\\", "\x01\x02", "\xF0\x9F\x94\xA5", "a\n"}) {
    EXPECT_EQ(why(receiver->send(long_delivery(of))), "(delivered)");
    EXPECT_THAT(visible(), HasSubstr(" more characters)\n"));
  }
  const auto short_one = deliver_alone(make_notification({.id = "n-1"}));
  EXPECT_EQ(why(receiver->send(short_one)), "(delivered)");
  EXPECT_THAT(visible(), Not(HasSubstr("more characters")));
}

TEST_F(TeamsTest, TakesWhatLabelsSayForText) {
  EXPECT_EQ(why(teams()->send(saying_everywhere("[good](https://evil.example) **x** <at>all</at>"))), "(delivered)");
  EXPECT_THAT(visible(), HasSubstr("On: instance=[good](https://evil.example) **x** <at>all</at>\n"));
  EXPECT_EQ(buttons(), "");
}

TEST_F(TeamsTest, TellsAGroupInOneCard) {
  EXPECT_EQ(why(teams()->send(group_of(25))), "(delivered)");
  EXPECT_THAT(visible(), StartsWith("🔴 25 alerts: 1 critical, 24 warning (cluster=shop)\n🔴 CRITICAL: "));
  EXPECT_THAT(visible(), EndsWith("\nand 5 more\n"));
}

TEST_F(TeamsTest, SaysWhatIsWrongWithTheWorkflow) {
  auto attempt = send(teams("", "/workflows/gone?sig=s3cret-sig"));
  EXPECT_TRUE(std::get<RetryLater>(attempt).refused);
  EXPECT_EQ(why(attempt),
            "HTTP 404: WorkflowNotFound: The workflow could not be found. (is the workflow there, and turned on?)");
  attempt = send(teams("", "/workflows/abc?sig=wrong"));
  EXPECT_TRUE(std::get<RetryLater>(attempt).refused);
  EXPECT_THAT(why(attempt), StartsWith("HTTP 401: DirectApiAuthorizationRequired: "));
  server_.script({{.status = 400, .body = R"({"error": {"code": "WorkflowTriggerIsNotEnabled", "message": "Off."}})"},
                  {.status = 400, .body = R"({"error": {"code": "TriggerInputSchemaMismatch", "message": "No."}})"},
                  {.status = 502, .body = "Bad Gateway"}});
  EXPECT_TRUE(std::get<RetryLater>(send(teams())).refused);
  attempt = send(teams());
  EXPECT_TRUE(std::holds_alternative<Rejected>(attempt));
  EXPECT_EQ(why(attempt), "HTTP 400: TriggerInputSchemaMismatch: No.");
  EXPECT_EQ(why(send(teams())), "HTTP 502");
}

TEST_F(TeamsTest, ReadsTheErrorOutOfASentenceThatIsSentWithStatus200) {
  server_.script({{.status = 200,
                   .body = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error "
                           "429 with ContextId x"},
                  {.status = 200,
                   .body = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error "
                           "413 with ContextId x"},
                  {.status = 200, .body = "1"}});
  const auto receiver = teams();
  EXPECT_TRUE(std::get<RetryLater>(send(receiver)).whole_receiver);
  EXPECT_TRUE(std::holds_alternative<Rejected>(send(receiver)));
  EXPECT_EQ(why(send(receiver)), "(delivered)");
}

TEST_F(TeamsTest, KeepsItsUrlSecret) {
  send(teams());
  EXPECT_THAT(traced_request_ + traced_answer_, Not(HasSubstr("s3cret")));
  server_.script({{.status = 400, .body = "no route " + std::string(FakeTeams::path)}});
  EXPECT_THAT(why(send(teams())), Not(HasSubstr("s3cret")));
  const auto plan = plans_of("receivers:\n- {name: a, teams: {url: \"" + server_.url(FakeTeams::path) + "\"}}\n").at(0);
  EXPECT_THAT(plan.description + plan.fingerprint, Not(HasSubstr("s3cret")));
  EXPECT_TRUE(plan.takes_groups);
}

TEST(TeamsConfig, IsAnotherReceiverWhenAnyOfItChanges) {
  const auto fingerprint = [](const std::string& more) {
    return plans_of("receivers:\n- {name: a, teams: {url: \"http://127.0.0.1:1/\"" + more + "}}\n").at(0).fingerprint;
  };
  EXPECT_EQ(fingerprint(""), fingerprint(""));
  for (const char* more : {", title: x", ", text: x", ", timeout: 3s"}) {
    EXPECT_NE(fingerprint(more), fingerprint("")) << more;
  }
}

}  // namespace
}  // namespace sidewatch
